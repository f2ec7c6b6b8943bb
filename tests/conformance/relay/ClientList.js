import { graphql } from 'react-relay';

/** Pages of the default organization. */
export const list = graphql`
  fragment ClientList_query on Query
  @argumentDefinitions(
    count: { type: "Int", defaultValue: 20 }
    cursor: { type: "String" }
    search: { type: "String" }
    filter: { type: "ClientFilter" }
  )
  @refetchable(queryName: "ClientListPaginationQuery") {
    clients(
      first: $count
      after: $cursor
      search: $search
      filter: $filter
      orderBy: [{ field: NAME, direction: ASC }]
    ) @connection(key: "ClientList_clients", filters: ["search", "filter"]) {
      totalCount
      edges {
        node {
          id
          ...ClientRow_client
        }
      }
    }
  }
`;

/** Pages in both directions of any organization, which Relay finds again through `node`. */
export const customers = graphql`
  fragment ClientList_organization on Organization
  @argumentDefinitions(
    first: { type: "Int" }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
  )
  @refetchable(queryName: "OrganizationPaginationQuery") {
    name
    customers(first: $first, after: $after, last: $last, before: $before)
      @connection(key: "ClientList_customers") {
      edges {
        node {
          postCode
          isTaxSubject
        }
      }
    }
  }
`;

export const screen = graphql`
  query ClientListQuery($search: String) {
    ...ClientList_query @arguments(search: $search)
    viewer {
      scopes
      account {
        email
      }
      organizations {
        ...ClientList_organization
      }
    }
  }
`;

import { graphql } from 'react-relay';

/** A row that is fetched anew by itself, through `node`. */
export const row = graphql`
  fragment ClientRow_client on Client @refetchable(queryName: "ClientRowRefetchQuery") {
    id
    name
    version
    possibleDuplicates(first: 3) {
      score
      reasons
      client {
        name
      }
    }
    customer {
      customerId
      metadata
    }
  }
`;

/** Any records, by their global ids. */
export const rows = graphql`
  query ClientRowNodesQuery($ids: [ID!]!) {
    nodes(ids: $ids) {
      ...ClientRow_client @alias
    }
  }
`;

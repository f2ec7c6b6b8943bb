/** The ids of records that the token can access, by the segment of a path before them. They are empty without a token. */
export async function findIds(root, token) {
  if (!token) return {};
  const ask = async (path) => {
    const response = await fetch(`${root}${path}`, { headers: { Authorization: `Bearer ${token}`, Accept: 'application/json' } });
    return response.ok ? response.json() : {};
  };
  const [account, entities, customers] = await Promise.all(['/v1/accounts/authorized', '/entities?limit=1', '/customers?limit=1'].map(ask));
  const [entity, customer] = [entities, customers].map((list) => list.data?.[0]?.id);
  return {
    accounts: account.id,
    entities: entity,
    organizations: entity?.replace('ent_', ''),
    customers: customer,
    clients: customer?.replace('cust_', ''),
  };
}

/** A parameter as a person wants to try it: an id that exists, and an optional parameter only if the person chooses it. */
function prepareParameter(parameter, ids) {
  const { example, ...rest } = parameter;
  const value = ids[parameter.name] ?? example;
  if (value === undefined) return parameter;
  return parameter.required ? { ...rest, example: value } : { ...rest, examples: { default: { value, 'x-disabled': true } } };
}

/** The ids for the parameters of a path, and for the header that names an entity. */
function idsOfPath(path, ids) {
  const named = [...path.matchAll(/\/(\w+)\/\{(\w+)\}/g)].map(([, segment, name]) => [name, ids[segment]]);
  return Object.fromEntries([...named, ['x-entity-id', ids.entities]].filter(([, id]) => id));
}

/** A document whose requests can be sent as they are: with `ids`, and without the optional parameters. */
export function prepareDocument(document, ids) {
  const shared = document.components?.parameters ?? {};
  const resolve = (parameter) => shared[parameter.$ref?.split('/').at(-1)] ?? parameter;
  for (const [path, operations] of Object.entries(document.paths)) {
    const known = idsOfPath(path, ids);
    for (const operation of Object.values(operations)) {
      operation.parameters = operation.parameters?.map((parameter) => prepareParameter(resolve(parameter), known));
    }
  }
  return document;
}

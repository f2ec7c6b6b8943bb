import { findIds, prepareDocument } from './examples.js';

export const settings = JSON.parse(document.getElementById('reference-settings').textContent);

/** The schemes of a document, filled with the token of the page if it has one. */
function fillSchemes(schemes, token) {
  const filled = ({ type, scheme }) => (type === 'apiKey' ? { value: token } : /^basic$/i.test(scheme) ? { password: token } : { token });
  return Object.fromEntries(Object.entries(schemes).map(([name, scheme]) => [name, token ? filled(scheme) : {}]));
}

/** A document with the configuration of its part of the page. Requests go to this service, and no other host is asked. */
async function loadPart({ slug, title, url }, ids) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  const content = prepareDocument(await response.json(), ids);
  return {
    slug,
    title,
    content,
    authentication: { securitySchemes: fillSchemes(content.components?.securitySchemes ?? {}, settings.token) },
    agent: { disabled: true },
    mcp: { disabled: true },
    telemetry: false,
    persistAuth: false,
    withDefaultFonts: false,
    hideClientButton: true,
    showDeveloperTools: 'never',
    documentDownloadType: 'none',
    orderSchemaPropertiesBy: 'preserve',
    defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
    theme: 'none',
  };
}

/** Shows the documents in `root`. `create` is Scalar's function for that. */
export async function showReference(root, create) {
  try {
    const ids = await findIds(settings.root, settings.token);
    const parts = await Promise.all(settings.documents.map((part) => loadPart(part, ids)));
    root.replaceChildren();
    create(root, parts);
  } catch (error) {
    root.textContent = `The reference could not be loaded: ${error.message}`;
  }
}

/** Runs a nested query in GraphiQL and takes a picture of it: node graphiql.mjs FILE */
import { Explorer, launchBrowser } from '../../tests/conformance/browser/explorer.mjs';

const FIELDS = 'totalCount nodes { name city email organization { name } history(first: 1) { totalCount nodes { action } } }';
const ORDER = 'orderBy: [{ field: NAME, direction: ASC }]';
const QUERY = `query ClientsInLjubljana { clients(first: 2, search: "ljubljana", ${ORDER}) { ${FIELDS} } }`;

const browser = await launchBrowser();
const context = await browser.newContext({ viewport: { width: 1240, height: 720 }, colorScheme: 'light' });
const explorer = new Explorer(await context.newPage());
await explorer.open(`${process.env.CLIENTELE_URL}/graphql`);
await explorer.authorize(process.env.CLIENTELE_TOKEN);
await explorer.page.getByRole('button', { name: 'New tab' }).click();
await explorer.typeQuery(QUERY);
await explorer.page.getByRole('button', { name: /^Prettify/ }).click();
await explorer.page.getByRole('button', { name: 'Hide editor tools' }).click({ timeout: 3000 }).catch(() => {});
const answer = await explorer.run();
if (answer.errors) throw new Error(JSON.stringify(answer.errors));
await explorer.sees('response', '"history"');
await explorer.page.mouse.move(300, 300);
await explorer.page.mouse.wheel(-1000, 0);
await explorer.page.waitForTimeout(500);
await explorer.page.screenshot({ path: process.argv[2] });
await browser.close();

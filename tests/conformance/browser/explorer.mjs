import { join } from 'node:path';

import { chromium } from 'playwright-core';

const DEADLINE = 30_000;
const EDITORS = {
  query: '.graphiql-query-editor .graphiql-editor',
  variables: '.graphiql-editor-tool .graphiql-editor:not(.hidden)',
  response: '.result-window',
};
const TAB = '.graphiql-tab-button';
const LINES = '.view-line, .CodeMirror-line';

/** A headless Chromium in which no name but the service's own address can be found. */
export function launchBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
    ],
  });
}

/** Everything that a page can keep in this browser, as one text. */
export function readStorages(explorer) {
  return explorer.page.evaluate(async () => {
    const read = (request) => new Promise((resolve, reject) => { request.onsuccess = () => resolve(request.result); request.onerror = reject; });
    const kept = [{ ...localStorage }, { ...sessionStorage }, document.cookie, window.name, history.state, location.href];
    for (const { name } of await indexedDB.databases()) {
      const database = await read(indexedDB.open(name));
      for (const store of database.objectStoreNames) kept.push(name, store, await read(database.transaction(store).objectStore(store).getAll()));
      database.close();
    }
    for (const name of await caches.keys()) {
      for (const request of await (await caches.open(name)).keys()) kept.push(request.url, [...request.headers]);
    }
    return JSON.stringify(kept);
  });
}

function isOperation(request) {
  return request.method() === 'POST' && request.postDataJSON().operationName !== 'IntrospectionQuery';
}

/** GraphiQL as a person sees it: named tabs, editors to type into, a response to read. */
export class Explorer {
  constructor(page) {
    this.page = page;
    this.hosts = new Set();
    this.complaints = [];
    page.on('request', (request) => this.#noteHost(request.url()));
    page.on('websocket', (socket) => this.#noteHost(socket.url()));
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
  }

  #noteHost(address) {
    const { protocol, host } = new URL(address);
    if (protocol !== 'data:' && protocol !== 'blob:') this.hosts.add(host);
  }

  async open(url) {
    await this.page.goto(url);
    await this.page.locator(EDITORS.query).locator(LINES).first().waitFor({ timeout: DEADLINE });
  }

  /** Types the token into the token field, unless the page came with it. */
  async authorize(token) {
    const field = this.page.getByLabel('Access token');
    if ((await field.inputValue()) !== token) await field.fill(token);
  }

  /** Shows the editor of the Variables. */
  async showTool(name) {
    await this.page.getByRole('button', { name, exact: true }).click();
  }

  tabs() {
    return this.page.locator(TAB).allTextContents();
  }

  async showTab(name) {
    await this.page.locator(TAB).getByText(name, { exact: true }).click();
  }

  /** Replaces what an editor holds. */
  async type(editor, text) {
    await this.page.locator(EDITORS[editor]).locator(LINES).first().click();
    await this.page.keyboard.press('ControlOrMeta+A');
    await this.page.keyboard.press('Delete');
    await this.page.keyboard.insertText(text);
  }

  /** Replaces the operation, and waits until GraphiQL has read its name and put it on the tab. */
  async typeQuery(text) {
    await this.type('query', text);
    const [, name] = /^\w+ (\w+)/.exec(text);
    await this.page.locator('.graphiql-tab-active').getByText(name, { exact: true }).waitFor({ timeout: DEADLINE });
  }

  /** Runs the operation and gives the body that came back over HTTP. */
  async run() {
    const answered = this.page.waitForResponse((response) => isOperation(response.request()), { timeout: DEADLINE });
    await this.press();
    return (await answered).json();
  }

  async press() {
    await this.page.getByRole('button', { name: /^Execute query/ }).click();
  }

  /** Presses as a person does who sees nothing happen: a tab that was just shown may not have been read yet. */
  async pressUntil(happened) {
    for (const end = Date.now() + DEADLINE; !happened() && Date.now() < end; ) {
      await this.press();
      for (const patience = Date.now() + 3000; !happened() && Date.now() < patience; ) await this.page.waitForTimeout(50);
    }
  }

  /** Waits until an editor or the response pane shows a text. */
  async sees(editor, text) {
    await this.page.waitForFunction(
      ([selector, lines, wanted]) =>
        [...document.querySelectorAll(`${selector} :is(${lines})`)]
          .map((line) => line.textContent.replaceAll('\u00a0', ' '))
          .join('\n')
          .includes(wanted),
      [EDITORS[editor], LINES, text],
      { timeout: DEADLINE },
    );
  }

  /** Keeps a picture when SCREENSHOTS names a folder. */
  async picture(name) {
    if (process.env.SCREENSHOTS) await this.page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`) });
  }
}

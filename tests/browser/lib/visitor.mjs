// One visitor with a browser of their own, and everything that a page may not do to them.

import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { openDoor } from './doors.mjs';
import { Wrong, must } from './report.mjs';
import { overflow } from './examine.mjs';

const PROGRAM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE_SIZE = { width: 360, height: 780 };

const PATIENCE = 20_000;

/** Starts Chromium. */
export async function startBrowser() {
  must(existsSync(PROGRAM), `there is no ${PROGRAM}: install Chromium, or name it in CHROMIUM`);
  return chromium.launch({ executablePath: PROGRAM, args: FLAGS });
}

/** Tries until `act` gives something true; `what` is what is waited for. */
export async function eventually(what, act, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  let wait = 150;
  for (;;) {
    const found = await act();
    if (found) return found;
    if (Date.now() > end) throw new Wrong(`after ${seconds} s still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 1.5, 1000);
  }
}

/** Somebody at a browser. */
export class Visitor {
  #wrong = [];
  #asked = new Set();
  used = false;
  status = 0;

  /** `phone` is touched, `sharp` has a fine screen; `js: false` runs no script; `state` are cookies from before. */
  static async open(browser, board, { lang = 'zh-CN', phone = false, sharp = false, js = true, state } = {}) {
    const visitor = new Visitor();
    const { origin, pace } = await openDoor(board);
    Object.assign(visitor, { origin, pace, lang, phone });
    visitor.context = await browser.newContext({
      baseURL: origin,
      locale: lang === 'en' ? 'en-GB' : lang,
      timezoneId: 'Asia/Shanghai',
      // Colours on their way from one to the other are neither.
      reducedMotion: 'reduce',
      deviceScaleFactor: sharp ? 2 : 1,
      viewport: phone ? PHONE_SIZE : DESKTOP,
      isMobile: phone,
      hasTouch: phone,
      javaScriptEnabled: js,
      storageState: state,
    });
    visitor.context.setDefaultTimeout(PATIENCE);
    visitor.page = await visitor.context.newPage();
    visitor.#listen();
    return visitor;
  }

  #listen() {
    const { page, origin } = this;
    page.on('request', (request) => {
      const url = request.url();
      if (request.isNavigationRequest()) this.#asked.add(url.split('#')[0]);
      if (!url.startsWith('data:') && new URL(url).origin !== origin) this.#wrong.push(`asks elsewhere: ${url}`);
    });
    page.on('console', (message) => {
      if (message.type() !== 'error') return;
      // That a page itself has a status such as 404 is looked at where it is asked for.
      const ofPage = message.text().startsWith('Failed to load resource') && this.#asked.has(message.location().url);
      if (!ofPage) this.#wrong.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.#wrong.push(`script error: ${error.message}`));
    page.on('dialog', (dialog) => {
      this.#wrong.push(`a dialog opens: ${dialog.message()}`);
      dialog.dismiss().catch(() => {});
    });
    page.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? '';
      // A second press or a download stops the page that is on its way.
      if (why !== 'net::ERR_ABORTED') this.#wrong.push(`not loaded: ${request.url()} ${why}`);
    });
  }

  /** What went wrong in the browser since it was last asked. */
  complaints() {
    const wrong = [...new Set(this.#wrong)];
    this.#wrong = [];
    return wrong;
  }

  /** Where the visitor is, for whoever has to find out. */
  where() {
    return `${new URL(this.page.url()).pathname} (${this.status}, ${this.lang}, ${this.phone ? 'phone' : 'desktop'})`;
  }

  path() {
    return new URL(this.page.url()).pathname;
  }

  async #came(response) {
    this.used = true;
    this.status = response?.status() ?? 0;
    if (!response) return;
    const wide = await this.page.evaluate(overflow);
    if (wide) this.#wrong.push(`${this.path()} is wider than the window: ${wide}`);
  }

  /** Opens a page; `status` is what is expected, 0 for anything. */
  async goto(path, status = 200) {
    const response = await this.page.goto(path, { waitUntil: 'load' });
    await this.#came(response);
    if (status) must(this.status === status, `${path} answers ${this.status} instead of ${status}`);
    return this.status;
  }

  async back() {
    await this.page.goBack({ waitUntil: 'load' });
    this.used = true;
  }

  /** Presses what leads to another page, and waits for that page. */
  async press(selector, { status = 200, unchecked = false } = {}) {
    const it = this.page.locator(selector).first();
    // The browser's own checks are not what is tested where the server's are.
    if (unchecked) await it.evaluate((button) => { button.form.noValidate = true; });
    await this.pace.take();
    const [response] = await Promise.all([
      this.page.waitForNavigation({ waitUntil: 'load' }),
      this.phone ? it.tap() : it.click(),
    ]);
    await this.#came(response);
    must(this.status !== 429, 'the board says that too many forms came: does somebody else use it?');
    if (status) must(this.status === status, `${selector} leads to ${this.path()} with ${this.status} instead of ${status}`);
    return this.status;
  }

  /** Presses twice before anything can come back. */
  async pressTwice(selector) {
    await this.pace.take();
    await this.pace.take();
    const it = this.page.locator(selector).first();
    const from = this.path();
    await it.dblclick({ noWaitAfter: true });
    // The second press may stop the page that the first one leads to: only where it ends counts.
    await eventually(`two presses of ${selector} lead on`, () => this.path() !== from, PATIENCE / 1000);
    await this.page.waitForLoadState('load');
    this.used = true;
  }

  /** Fills fields: `{ selector: text }`. */
  async fill(fields) {
    for (const [selector, text] of Object.entries(fields)) await this.page.locator(selector).first().fill(text);
  }

  async choose(selector, value) {
    await this.page.locator(selector).selectOption(value);
  }

  async check(selector) {
    await this.page.locator(selector).first().check();
  }

  has(selector) {
    return this.page.locator(selector).first().isVisible();
  }

  count(selector) {
    return this.page.locator(selector).count();
  }

  /** The visible text of the first that fits; empty for none. */
  async text(selector = 'main') {
    const it = this.page.locator(selector).first();
    return (await it.count()) > 0 ? (await it.innerText()).trim() : '';
  }

  value(selector) {
    return this.page.locator(selector).first().inputValue();
  }

  /** Whether the page says so, wherever. */
  async says(text, selector = 'main') {
    must((await this.text(selector)).includes(text), `${this.path()} does not say “${text}”`);
  }

  async leave() {
    await this.context.close().catch(() => {});
  }
}

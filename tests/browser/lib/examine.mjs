// What must hold of every page, whoever sees it and however.

import axe from 'axe-core';
import { NAMES, foreign } from './words.mjs';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
/** The rules that depend on colours: in the dark, nothing else has changed. */
const COLOURS = ['color-contrast', 'link-in-text-block'];
/** The most bytes of a first visit. */
const WEIGHT = 60 * 1024;
/** The most pixels of height that the header has on a phone before its menu is opened. */
const HEADER = 64;

/** In the page: what is wider than the window, if anything is. What scrolls by itself may be. */
export function overflow() {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return '';
  const wide = [...document.querySelectorAll('body *')].filter((element) => {
    if (element.getBoundingClientRect().right <= root.clientWidth + 0.5) return false;
    for (let it = element.parentElement; it && it !== document.body; it = it.parentElement) {
      if (getComputedStyle(it).overflowX !== 'visible') return false;
    }
    return true;
  });
  const last = wide.at(-1);
  const name = last ? `${last.localName}.${last.className?.baseVal ?? last.className}` : 'something';
  return `${root.scrollWidth} px instead of ${root.clientWidth}, because of ${name}`;
}

/** In the page: words of what is pressed and of tables that are broken in the middle, for want of room. */
function broken() {
  const found = new Set();
  const range = document.createRange();
  for (const element of document.querySelectorAll('nav, button, .button, .state, label, legend, th, td, dt, time')) {
    if (!element.checkVisibility?.()) continue;
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.parentElement.closest('.code, code, option, svg')) continue;
      for (const word of node.data.matchAll(/[a-z0-9]{2,}/gi)) {
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        const lines = new Set([...range.getClientRects()].map((rect) => Math.round(rect.top)));
        if (lines.size > 1) found.add(`“${word[0]}” in ${element.localName}`);
      }
    }
  }
  return [...found];
}

/** In the page: every text that somebody sees or hears, with where it stands. */
function texts() {
  const found = [];
  const visible = (element) => element.checkVisibility?.() ?? true;
  const chinese = (element) => Boolean(element.closest('[lang]')?.lang.startsWith('zh'));
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.data.trim();
    const element = node.parentElement;
    if (!text || !visible(element)) continue;
    // What people type is theirs, in whatever language.
    const typed = element.localName === 'textarea';
    found.push({ text, chinese: chinese(element), marked: !typed });
  }
  for (const element of document.querySelectorAll('[aria-label], [title], [placeholder], [alt]')) {
    for (const name of ['aria-label', 'title', 'placeholder', 'alt']) {
      const text = element.getAttribute(name)?.trim();
      if (text) found.push({ text, chinese: chinese(element), marked: true });
    }
  }
  // A title can not be marked.
  found.push({ text: document.title, chinese: false, marked: false });
  return { lang: document.documentElement.lang, found };
}

/** Words of the wrong language, and names of texts instead of texts. */
async function wordsOf(page, lang, names) {
  const told = await page.evaluate(texts);
  const wrong = [];
  if (told.lang !== lang) wrong.push(`the page is in ${told.lang}`);
  for (const { text } of told.found) {
    const name = text.split(/[^a-z0-9-]+/).find((token) => NAMES.has(token));
    if (name) wrong.push(`the name ${name} stands where its text should: “${text}”`);
  }
  const other = new Set(foreign(lang));
  const pageIsChinese = lang !== 'en';
  for (const { text, chinese } of told.found) {
    if (names.includes(text)) continue;
    // On a page in English, Chinese texts are marked as such; so is what leads to the other language.
    if (other.has(text) && chinese === pageIsChinese) wrong.push(`“${text}” is of the other language`);
  }
  if (lang !== 'en') return wrong;
  // Titles and names of offices are Chinese in any language, and marked as such.
  for (const { text, chinese, marked } of told.found) {
    if (marked && !chinese && /\p{Script=Han}/u.test(text)) wrong.push(`Chinese in a page in English: “${text}”`);
  }
  return wrong;
}

/** What axe finds: one line for each rule and reason, with the first place where it is so. */
async function violations(page, rules) {
  const runOnly = rules ? { type: 'rule', values: rules } : { type: 'tag', values: TAGS };
  const found = await page.evaluate(async (options) => {
    const brief = ({ id, nodes }) => nodes.map((node) => ({
      why: `axe ${id}: ${[...node.any, ...node.all, ...node.none][0]?.message ?? ''}`,
      at: node.target.join(' '),
    }));
    const said = await globalThis.axe.run(document, options);
    return said.violations.flatMap(brief);
  }, { runOnly, resultTypes: ['violations'], iframes: false });
  const places = new Map();
  for (const { why, at } of found) places.set(why, [...(places.get(why) ?? []), at]);
  return [...places].map(([why, at]) => `${why} At ${at[0]}${at.length > 1 ? ` and ${at.length - 1} more` : ''}`);
}

/** Counts what one page costs that nothing of is kept. */
export async function scales(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  let bytes = 0;
  session.on('Network.requestWillBeSent', ({ redirectResponse }) => {
    bytes += redirectResponse?.encodedDataLength ?? 0;
  });
  session.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  return { reset() { bytes = 0; }, weigh: () => bytes };
}

/**
 * Looks at the page that is open at both sizes, by day and by night. `names` are content that is
 * Chinese in any language; `shoot` is called with a name for each picture.
 */
export async function examine(page, { lang, names, sizes, bytes, shoot }) {
  const wrong = [];
  const words = new Set();
  if (bytes > WEIGHT) wrong.push(`it weighs ${bytes} bytes, more than ${WEIGHT}`);
  /** What axe says, with the views in which it says so. */
  const said = new Map();
  const hear = (view, all) => {
    for (const it of all) said.set(it, [...(said.get(it) ?? []), view]);
  };
  await page.evaluate(axe.source);
  for (const [width, size] of Object.entries(sizes)) {
    await page.setViewportSize(size);
    const tall = await page.evaluate(() => document.querySelector('header.top')?.offsetHeight ?? 0);
    if (width === 'phone' && tall > HEADER) wrong.push(`on a phone the header is ${tall} px high, more than ${HEADER}`);
    const wide = await page.evaluate(overflow);
    if (wide) wrong.push(`on a ${width} wider than the window: ${wide}`);
    for (const it of await wordsOf(page, lang, names)) words.add(it);
    const parted = await page.evaluate(broken);
    if (parted.length > 0) wrong.push(`on a ${width} words are broken: ${parted.slice(0, 4).join(', ')}`);
    hear(`${width} light`, await violations(page));
    await shoot?.(width);
    await scheme(page, 'dark');
    hear(`${width} dark`, await violations(page, COLOURS));
    await shoot?.(`${width}-dark`);
    await scheme(page, 'light');
  }
  wrong.push(...words, ...[...said].map(([it, views]) => `${it} (${views.join(', ')})`));
  return wrong;
}

// Day or night, once it is to be seen: a page that is half in its old colours has no contrast at all.
async function scheme(page, colorScheme) {
  await page.emulateMedia({ colorScheme });
  await page.waitForFunction((it) => matchMedia(`(prefers-color-scheme: ${it})`).matches, colorScheme);
  await page.evaluate(() => new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen))));
  await page.evaluate(() => Promise.all(document.getAnimations().map((it) => it.finished.catch(() => {}))));
}

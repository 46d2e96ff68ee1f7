// The catalogues of the portal: what its pages may say, in each language.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../../../services/portal/locales');

/** The texts of one language by name, as the catalogues have them. */
function read(lang) {
  const texts = new Map();
  for (const file of readdirSync(FOLDER).filter((name) => name === `${lang}.ftl` || name.endsWith(`.${lang}.ftl`))) {
    let name;
    for (const line of readFileSync(join(FOLDER, file), 'utf8').split('\n')) {
      const begun = /^([a-z][a-z0-9-]*) = ?(.*)$/.exec(line);
      if (begun) {
        name = begun[1];
        texts.set(name, begun[2]);
      } else if (/^\s+\S/.test(line) && name) {
        texts.set(name, `${texts.get(name)}\n${line.trim()}`);
      }
    }
  }
  return texts;
}

const TEXTS = { 'zh-CN': read('zh-CN'), en: read('en') };

/** The text of a name; `values` fill its placeholders. */
export function word(lang, name, values = {}) {
  const text = TEXTS[lang].get(name);
  if (text === undefined) throw new Error(`no catalogue has ${name}`);
  return text.replace(/\{ \$([a-z]+) \}/g, (all, key) => values[key] ?? all);
}

/** Every name that no page may show instead of its text. */
export const NAMES = new Set([...TEXTS.en.keys(), ...TEXTS['zh-CN'].keys()].filter((name) => name.includes('-')));

/** The fixed texts of the other language that a page in `lang` may not have. */
export function foreign(lang) {
  const fixed = (of) => [...TEXTS[of].values()].filter((text) => !text.includes('{') && text.length > 1);
  const ours = new Set(fixed(lang));
  return fixed(lang === 'en' ? 'zh-CN' : 'en').filter((text) => !ours.has(text));
}

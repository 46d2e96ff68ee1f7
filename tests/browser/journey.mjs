// Walks the pages of a running board with a real browser. See README.md.

import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readBoard } from './lib/board.mjs';
import { closeDoors } from './lib/doors.mjs';
import { Report } from './lib/report.mjs';
import { startBrowser } from './lib/visitor.mjs';
import { bad } from './steps/bad.mjs';
import { columns } from './steps/columns.mjs';
import { WALKS, life } from './steps/life.mjs';
import { pages } from './steps/pages.mjs';
import { readme } from './steps/readme.mjs';

const USAGE = 'node journey.mjs --board FILE [--only WORD] [--shots DIR] [--readme]';

function options() {
  try {
    const { values } = parseArgs({
      options: {
        board: { type: 'string' },
        only: { type: 'string' },
        shots: { type: 'string' },
        readme: { type: 'boolean', default: false },
      },
    });
    if (!values.board) throw new Error('which board?');
    return values;
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`);
    process.exit(2);
  }
}

const asked = options();
if (asked.shots) mkdirSync(asked.shots, { recursive: true });
const report = new Report(asked.only);
const board = readBoard(asked.board);
const browser = await startBrowser();
const tell = () => console.log(`${report.passed} passed, ${report.failed} failed`);
let done = false;
browser.on('disconnected', () => {
  if (done) return;
  report.line(false, 0, 'the browser ended by itself');
  tell();
  process.exit(1);
});
try {
  // First: what the walks write is no picture of a board.
  if (asked.readme) await readme(browser, board, report);
  const walks = WALKS.filter((walk) => report.wants(`life, ${walk.name}`));
  await Promise.all(walks.map((walk) => life(browser, board, report, walk)));
  await Promise.all([
    report.wants('pages') || asked.shots ? pages(browser, board, report, asked.shots) : undefined,
    report.wants('bad') ? bad(browser, board, report) : undefined,
    report.wants('columns') ? columns(browser, board, report) : undefined,
  ]);
} finally {
  done = true;
  await browser.close();
  closeDoors();
}
tell();
process.exitCode = report.failed > 0 ? 1 : 0;

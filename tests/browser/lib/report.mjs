// Steps: one line each, and a tally in the end.

const MOST = 8;

/** What a step says when it does not hold. */
export class Wrong extends Error {}

/** Fails the step unless `holds`. */
export function must(holds, message) {
  if (!holds) throw new Wrong(message);
}

const brief = (error) => {
  const text = error instanceof Wrong ? error.message : `${error.stack ?? error}`;
  // Playwright's errors are coloured, and end with pages of its log.
  return text.replace(/\u001b\[\d+m/g, '').split('\n').filter((line) => !line.includes('node_modules')).slice(0, 14).join('\n');
};

/** Runs steps and counts them. */
export class Report {
  passed = 0;
  failed = 0;
  #only;

  constructor(only) {
    this.#only = only;
  }

  /** Whether a part, or a page, was asked for. */
  wants(name) {
    return !this.#only || name.includes(this.#only);
  }

  line(ok, seconds, name, details = '') {
    if (ok) this.passed += 1;
    else this.failed += 1;
    const text = details ? `\n      ${details.replaceAll('\n', '\n      ')}` : '';
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${seconds.toFixed(1).padStart(5)} s  ${name}${text}`);
  }

  /** A row of steps of which each needs those before it. */
  chain(name) {
    return new Chain(this, name, true);
  }

  /** Steps that need each other not. */
  bunch(name) {
    return new Chain(this, name, false);
  }
}

class Chain {
  #report;
  #name;
  #needs;
  #visitors = [];
  #broken = false;

  constructor(report, name, needs) {
    this.#report = report;
    this.#name = name;
    this.#needs = needs;
  }

  /** Whatever a visitor's browser complains of fails the step in which it does. */
  watch(visitor) {
    this.#visitors.push(visitor);
    return visitor;
  }

  /** Runs one step. `act` throws, or returns what is wrong. */
  async step(name, act) {
    const began = performance.now();
    const wrong = [];
    for (const visitor of this.#visitors) visitor.used = false;
    if (this.#broken) {
      wrong.push('not reached: an earlier step failed');
    } else {
      try {
        wrong.push(...((await act()) ?? []));
      } catch (error) {
        this.#broken = this.#needs;
        wrong.push(brief(error));
      }
      wrong.push(...this.#visitors.flatMap((visitor) => visitor.complaints()));
      const there = this.#visitors.filter((visitor) => visitor.used);
      if (wrong.length > 0) wrong.push(...there.map((visitor) => `at ${visitor.where()}`));
    }
    const shown = wrong.slice(0, MOST);
    if (wrong.length > MOST) shown.push(`and ${wrong.length - MOST} more`);
    this.#report.line(wrong.length === 0, (performance.now() - began) / 1000, `${this.#name}: ${name}`, shown.join('\n'));
    return wrong.length === 0;
  }

  /** Closes the browsers of its visitors. */
  async end() {
    await Promise.all(this.#visitors.map((visitor) => visitor.leave()));
  }
}

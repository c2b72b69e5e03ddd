// Counting: each check is a sentence that states a guarantee.

export class Tests {
  passed = 0;
  failed = 0;

  /** Runs one check; what it returns as text is printed beside its name. */
  async check(name, run) {
    try {
      const said = await run();
      this.passed += 1;
      console.log(`ok      ${name}${typeof said === "string" ? `  (${said})` : ""}`);
      return said;
    } catch (error) {
      this.failed += 1;
      const lines = String(error?.stack ?? error).split("\n").slice(0, 12);
      console.log(`FAILED  ${name}\n        ${lines.join("\n        ")}`);
      return undefined;
    }
  }
}

/** Asks until it gets something true; how long that took, in seconds. */
export async function until(what, ask, seconds = 5) {
  const began = Date.now();
  for (;;) {
    const value = await ask();
    const took = (Date.now() - began) / 1000;
    if (value) return { value, took };
    if (took > seconds) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((again) => setTimeout(again, 50));
  }
}

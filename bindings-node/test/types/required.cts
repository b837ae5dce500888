// The same types by `require`.

import segmentry = require("segmentry");

async function use(): Promise<number> {
  const engine: segmentry.SegmentEngine = await segmentry.SegmentEngine.open({ catalog: ":memory:" });
  const run: segmentry.Run = await engine.refresh();
  // @ts-expect-error names are in camel case
  run.as_of;
  return run.segments.length;
}

void use;

// Runs files of ONNX by ONNX Runtime, for tests that compare what comes out:
//
//	node scripts/onnx_run.mjs FOLDER < RUNS.json
//
// FOLDER is where onnxruntime-node was installed. Each run has a file, the
// inputs, as {name, type, dims, data}, data being a file of raw values or, of
// strings, the strings themselves, and the file that its outputs go to, one after
// the other; standard output gets {name, type, dims} of each output, a line for
// each run, or {error}.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const ort = createRequire(join(resolve(process.argv[2]), "node_modules/"))("onnxruntime-node");
const arrays = { float32: Float32Array, float64: Float64Array, uint8: Uint8Array, int64: BigInt64Array };

function tensor({ type, dims, data }) {
  if (type === "string") {
    return new ort.Tensor(type, data, dims);
  }
  const bytes = readFileSync(data);
  return new ort.Tensor(type, new arrays[type](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)), dims);
}

async function run({ file, inputs, out }) {
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  const feeds = Object.fromEntries(inputs.map((input) => [input.name, tensor(input)]));
  const given = await session.run(feeds);
  const outputs = session.outputNames.map((name) => ({ name, tensor: given[name] }));
  writeFileSync(out, Buffer.concat(outputs.map(({ tensor: { data } }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength))));
  return outputs.map(({ name, tensor: { type, dims } }) => ({ name, type, dims: [...dims] }));
}

for (const one of JSON.parse(readFileSync(0, "utf8"))) {
  let line;
  try {
    line = await run(one);
  } catch (e) {
    line = { error: e.message };
  }
  console.log(JSON.stringify(line));
}

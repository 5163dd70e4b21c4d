// Sends a file with tus-js-client: node tus.mjs ENDPOINT FILE [STOP AFTER BYTES]. With a third
// argument it gives up after so many bytes and goes on with a new client, as after a lost connection.
import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import * as tus from "tus-js-client";

const [endpoint, file, stopAfter] = process.argv.slice(2);
const size = statSync(file).size;

function send(uploadUrl, stop) {
  return new Promise((resolve, reject) => {
    const upload = new tus.Upload(createReadStream(file), {
      endpoint: uploadUrl ? undefined : endpoint,
      uploadUrl,
      uploadSize: size,
      chunkSize: 64 * 1024,
      retryDelays: [0, 200, 1000],
      metadata: { filename: basename(file) },
      onError: reject,
      onSuccess: () => resolve({ url: upload.url, done: true }),
      onChunkComplete: async (chunk, accepted) => {
        if (stop && accepted >= stop) {
          await upload.abort(false);
          resolve({ url: upload.url, done: false });
        }
      },
    });
    upload.start();
  });
}

try {
  let result = await send(undefined, Number(stopAfter || 0));
  if (!result.done) {
    const first = createReadStream(file, { start: 0, end: 0 });
    first.destroy();
    result = await send(result.url, 0);
  }
  console.log(JSON.stringify(result));
} catch (error) {
  console.error(String(error));
  process.exit(1);
}

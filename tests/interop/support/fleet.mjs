// A caller that speaks HTTP/2 and sends three requests at a time: node's client, which sees a stream that is cut short and
// what a GOAWAY says was never looked at. For each request a line as `fleet.py` has it from curl:
//
//     node fleet.mjs URL FIRST LAST METHOD
import http2 from 'node:http2';

const [url, first, last, method] = process.argv.slice(2);
const { origin, pathname } = new URL(url);
const REFUSED = 7;
let next = Number(first);
let kept = null;

// The connection there is, or another: one that is told to go takes no more requests.
function connection() {
  if (!kept || kept.closed || kept.destroyed) {
    kept = http2.connect(origin);
    // Each stream says it, too.
    kept.on('error', () => {});
  }
  return kept;
}

function ask(number) {
  return new Promise((resolve) => {
    const headers = { ':method': method, ':path': `${pathname}/${number}` };
    const stream = connection().request(headers, { endStream: method === 'GET' });
    let [status, bytes, trouble] = [0, 0, null];
    stream.on('response', (head) => { status = head[':status']; });
    stream.on('data', (part) => { bytes += part.length; });
    stream.on('error', (error) => { trouble = error; });
    stream.on('close', () => {
      const unseen = stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM;
      if (unseen && status === 0) resolve(null);
      else if ((trouble?.cause ?? trouble)?.code === 'ECONNREFUSED') resolve([REFUSED, 0, 0]);
      else if (trouble) resolve([trouble.code, status, bytes]);
      else if (stream.rstCode !== 0) resolve([`reset_${stream.rstCode}`, status, bytes]);
      else resolve([0, status, bytes]);
    });
    if (method !== 'GET') stream.end('to be read once');
  });
}

async function caller() {
  while (next <= Number(last)) {
    const number = next++;
    let outcome = null;
    // Refused unseen: asked again, as HTTP says.
    while (!outcome) outcome = await ask(number);
    const [code, status, bytes] = outcome;
    console.log(`${url}/${number} ${code} ${String(status).padStart(3, '0')} ${bytes}`);
  }
}

await Promise.all([caller(), caller(), caller()]);
kept?.close();

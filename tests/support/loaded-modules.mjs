/** For `--import`: writes down, at the end of a process, the URL of every script that it has loaded, whichever module system loaded it. */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

const urls = [];
const session = new Session();
session.connect();
session.on('Debugger.scriptParsed', ({ params }) => urls.push(params.url));
session.post('Debugger.enable');
process.on('exit', () => {
  // Else the loop of events would end with the session's last message unread.
  session.disconnect();
  writeFileSync(process.env.LOADED_MODULES_FILE, urls.join('\n'));
});

// `npm start`. Syntax that a Node from years ago can parse, and no static import: an old Node has to be able to say that it is too old.
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    'clerk-sync needs Node 20.19 or newer, and this is Node ' +
      process.versions.node +
      '. Install a newer one from https://nodejs.org (or with `nvm install 22`), then run `npm start` again.',
  );
  process.exit(2);
} else {
  // In this very process: a signal from a terminal or a service manager has one address.
  import('./scripts/install.mjs')
    .then((install) => install.installPackages())
    .then(() => import('./scripts/typescript.mjs'))
    .then(() => import('./src/system.ts'))
    .catch((error) => {
      console.error(error.message);
      process.exit(1);
    });
}

// JavaScript, so that an old Node can run it and print what is missing instead of failing at a type annotation.
const major = Number(process.versions.node.split('.')[0]);

if (major < 24) {
  console.error(
    `This project runs on Node 24; here it is ${process.versions.node}, and npm has no Node 24 for ${process.platform}-${process.arch}. Install Node 24 and try again.`,
  );
  process.exit(1);
}

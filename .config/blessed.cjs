// Stands for the package blessed in the bundle (build.mjs): what is used of it, and no widget that starts programs.
module.exports = {
  Node: require('blessed/lib/widgets/node.js'),
  Box: require('blessed/lib/widgets/box.js'),
  screen: require('blessed/lib/widgets/screen.js'),
};

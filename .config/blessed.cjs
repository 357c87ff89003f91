// Replaces the package blessed in the bundle (build.mjs): only the widgets in use, none that starts programs.
module.exports = {
  Node: require('blessed/lib/widgets/node.js'),
  Box: require('blessed/lib/widgets/box.js'),
  screen: require('blessed/lib/widgets/screen.js'),
};

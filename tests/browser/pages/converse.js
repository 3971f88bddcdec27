// Converse.js on a whole page; its settings are in the address, behind `?`. Who embeds it has its
// interface, as `api`, by a plugin.

import "/npm/converse.js/dist/converse.min.js";

converse.plugins.add("tests", {
  initialize() {
    window.api = this._converse.api;
  },
});

converse.initialize({
  assets_path: "/npm/converse.js/dist/",
  discover_connection_methods: false,
  whitelisted_plugins: ["tests"],
  ...JSON.parse(new URLSearchParams(location.search).get("settings")),
});

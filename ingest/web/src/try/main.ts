// Swagger UI on what this instance serves.

import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import { nameControls } from "./names";
import { plain } from "./plugin";
import "./style.css";
import { followSystem } from "./theme";

const root = document.getElementById("try");
if (root) {
  followSystem();
  nameControls(root);
  SwaggerUI({
    url: "../openapi.json",
    domNode: root,
    plugins: [plain],
    deepLinking: true,
    defaultModelsExpandDepth: 0, // each endpoint shows its own
    displayRequestDuration: true,
    docExpansion: "none", // first the collections, then the endpoints of one
    filter: true,
    syntaxHighlight: false, // its colours are too pale, and it is slow with long answers
    validatorUrl: null, // else it would call a service on the Internet
  });
}

// Swagger UI on what this instance serves.

import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "./style.css";

SwaggerUI({
  url: "../openapi.json",
  dom_id: "#try",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  validatorUrl: null, // else it would call a service on the Internet
});

/** The catalogue: models and packages with their prices. */
import { api, unwrap } from "../api/client";
import type { Document } from "./catalogue-document";
import { CatalogueForm, shownFields } from "./catalogue-form";
import { DocumentDesk, type DocumentRoutes } from "./document-desk";
import { staffText } from "./text";

const routes: DocumentRoutes<Document> = {
  list: (query) => unwrap(api.GET("/v1/staff/catalogue/versions", { params: { query } })),
  version: (number) => unwrap(api.GET("/v1/staff/catalogue/versions/{number}", { params: { path: { number } } })),
  publish: (body, params) => unwrap(api.POST("/v1/staff/catalogue/versions", { params, body })),
};

export function Catalogue() {
  return (
    <DocumentDesk
      lead={staffText.value.catalogue.lead}
      routes={routes}
      shownFields={shownFields}
      Form={CatalogueForm}
    />
  );
}

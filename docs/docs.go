// Package docs holds the description of the API.
package docs

import _ "embed"

//go:embed openapi.yaml
var OpenAPI []byte

package serve

import "html/template"

// page is what a browser sees at /.
var page = template.Must(template.New("models").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>Models</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}code{font-size:.9em}li{margin:.7em 0}</style>
<h1>Models</h1>
<ul>
{{range .}}<li><strong><a href="/v1/models/{{.Name}}">{{.Name}}</a></strong>: {{.Network}}, rows of {{.Row.Values}} values, codes of {{.Code}}{{if .Explorer}}; <a href="{{.Explorer}}">explorer</a>{{end}}<br>
{{$name := .Name}}{{range .Operations}}<code>POST /v1/models/{{$name}}/{{.}}</code><br>
{{end}}</li>
{{else}}<li>none</li>
{{end}}</ul>
<p><a href="/openapi.json">OpenAPI</a> · <a href="/metrics">metrics</a> · <a href="/readyz">ready?</a></p>
</html>
`))

func (e *exchange) page() error {
	e.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	var infos []info
	for _, m := range e.server.all() {
		infos = append(infos, m.info)
	}
	return page.Execute(e.w, infos)
}

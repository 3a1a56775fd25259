package serve

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// object is one of a JSON document.
type object = map[string]any

// document is the OpenAPI 3.0 description of a server: every model's routes, with
// the widths of its rows.
func document(models []*served, o Options) []byte {
	paths := object{
		"/":             object{"get": read("the models, as a page", "text/html", object{"type": "string"})},
		"/healthz":      object{"get": read("whether the process lives", typeJSON, status())},
		"/readyz":       object{"get": failing(read("whether models are loaded and the server is not stopping", typeJSON, status()), 503)},
		"/metrics":      object{"get": read("metrics, as Prometheus reads them", "text/plain", object{"type": "string"})},
		"/openapi.json": object{"get": read("this document", typeJSON, object{"type": "object"})},
		"/v1/models": object{"get": read("the models", typeJSON, object{
			"type": "object", "required": []string{"models"}, "properties": object{"models": object{"type": "array", "items": ref("Model")}},
		})},
	}
	for _, m := range models {
		base := "/v1/models/" + m.Name
		paths[base] = object{"get": read("what model "+m.Name+" is", typeJSON, ref("Model"))}
		if m.Explorer != nil {
			paths["/models/"+m.Name+"/explorer"] = object{"get": failing(read("a page that shows model "+m.Name, "text/html", object{"type": "string"}), 500, 503)}
		}
		for _, operation := range m.operations() {
			paths[base+"/"+operation] = object{"post": m.post(operation, o)}
		}
	}
	text, err := json.MarshalIndent(object{
		"openapi":    "3.0.3",
		"info":       object{"title": "aegis serve", "version": "1"},
		"paths":      paths,
		"components": object{"schemas": object{"Error": errorSchema(), "Model": modelSchema()}},
	}, "", " ")
	if err != nil {
		return []byte("{}")
	}
	return append(text, '\n')
}

func ref(name string) object { return object{"$ref": "#/components/schemas/" + name} }

func status() object {
	return object{"type": "object", "required": []string{"status"}, "properties": object{"status": object{"type": "string"}}}
}

func errorSchema() object {
	return object{"type": "object", "required": []string{"error"}, "additionalProperties": false, "properties": object{"error": object{"type": "string"}}}
}

func modelSchema() object {
	return object{"type": "object", "required": []string{"name", "network", "row", "code", "scaling", "operations", "limits"}, "properties": object{
		"name": object{"type": "string"}, "network": object{"type": "string"}, "code": object{"type": "integer"},
		"row": object{"type": "object", "required": []string{"shape", "values", "type"}, "properties": object{
			"shape": object{"type": "array", "items": object{"type": "integer"}}, "values": object{"type": "integer"}, "type": object{"type": "string", "enum": []string{"uint8", "float32"}},
		}},
		"scaling": object{"type": "object"}, "operations": object{"type": "array", "items": object{"type": "string"}},
		"limits": object{"type": "object", "properties": object{"body": object{"type": "integer"}, "rows": object{"type": "integer"}}},
	}}
}

// read is an operation without a body.
func read(summary, kind string, schema object) object {
	return object{"summary": summary, "responses": object{"200": object{"description": summary, "content": object{kind: object{"schema": schema}}}}}
}

// failing adds answers that are errors.
func failing(operation object, codes ...int) object {
	responses := operation["responses"].(object)
	for _, code := range codes {
		responses[fmt.Sprint(code)] = object{"description": "an error", "content": object{typeJSON: object{"schema": ref("Error")}}}
	}
	return operation
}

// summaries are the operations in words.
var summaries = map[string]string{
	opEncode: "codes of rows", opDecode: "rows of codes", opReconstruct: "rows, encoded and decoded", opDenoise: "noisy rows, restored",
	opGenerate: "new rows", opDetect: "how strange rows are",
}

// post describes an operation of the model.
func (s *served) post(operation string, o Options) object {
	properties, required := s.parameters(operation, o)
	schema := object{"type": "object", "additionalProperties": false, "properties": properties}
	if required != nil {
		schema["required"] = required
	}
	content := object{typeJSON: object{"schema": schema}}
	array := object{"schema": object{"type": "string", "format": "binary"}}
	content[typeNPY] = array
	var query []object
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if schema := properties[name].(object); name == "codes" && operation == opGenerate || takes(operation, name) {
			if name == "labels" {
				schema = object{"type": "string", "description": "classes with commas between"}
			}
			query = append(query, object{"name": name, "in": "query", "required": false, "description": "with an array as the body", "schema": schema})
		}
	}
	responses := object{"200": object{"description": summaries[operation], "content": object{
		typeJSON: object{"schema": s.answerSchema(operation)}, typeNPY: array,
	}}}
	op := object{"summary": summaries[operation] + ", of model " + s.Name, "requestBody": object{"required": operation != opGenerate, "content": content}, "responses": responses}
	if query != nil {
		op["parameters"] = query
	}
	return failing(op, 400, 404, 405, 406, 408, 413, 415, 500, 503, 504)
}

// parameters are the fields of a request.
func (s *served) parameters(operation string, o Options) (properties object, required []string) {
	properties = object{}
	most := s.mostRows(o)
	if s.classes > 0 && operation != opGenerate {
		properties["labels"] = object{"type": "array", "maxItems": most, "items": object{"oneOf": []object{
			{"type": "integer", "minimum": 0, "maximum": s.classes - 1}, {"type": "string"},
		}}}
		required = append(required, "labels")
	}
	switch operation {
	case opDecode:
		properties["codes"] = object{"type": "array", "maxItems": most, "items": numbers(s.info.Code)}
		required = append(required, "codes")
	case opGenerate:
		properties["count"] = object{"type": "integer", "minimum": 1, "maximum": most}
		properties["seed"] = object{"type": "integer", "minimum": 0}
		properties["class"] = object{"oneOf": []object{{"type": "string"}, {"type": "integer", "minimum": 0, "maximum": 255}}}
		properties["codes"] = object{"type": "boolean"}
		required = append(required, "count")
	default:
		properties["rows"] = object{"type": "array", "maxItems": most, "items": s.rowSchema(operation)}
		if s.fields != nil && (s.window() == 0 || operation == opDetect && s.ofLines()) {
			properties["columns"] = object{"type": "object"}
		} else {
			required = append(required, "rows")
		}
	}
	if operation == opDenoise {
		properties["corrupt"] = object{"type": "string", "example": "gaussian:0.5"}
		properties["seed"] = object{"type": "integer", "minimum": 0}
	}
	if operation == opDetect {
		properties["reasons"] = object{"type": "boolean"}
		properties["heat"] = object{"type": "boolean"}
	}
	return properties, required
}

// rowSchema describes a row in each of its forms.
func (s *served) rowSchema(operation string) object {
	forms := []object{numbers(s.rowShape(operation).Size())}
	if s.bytes {
		forms[0]["items"] = object{"type": "integer", "minimum": 0, "maximum": 255}
		forms = append(forms, object{"type": "string", "description": "a PNG in base64"})
	}
	if !s.shape.IsVector() || s.window() > 0 {
		forms = append(forms, object{"type": "array", "description": "nested arrays", "items": object{"type": "array", "items": object{}}})
	}
	if s.fields != nil {
		forms = append(forms, object{"type": "object", "description": "values by column"})
	}
	if len(forms) == 1 {
		return forms[0]
	}
	return object{"anyOf": forms}
}

func numbers(n int) object {
	return object{"type": "array", "minItems": n, "maxItems": n, "items": object{"type": "number"}}
}

// answerSchema describes what an operation answers.
func (s *served) answerSchema(operation string) object {
	rows := object{"type": "array", "items": numbers(s.shape.Size())}
	codes := object{"type": "array", "items": numbers(s.info.Code)}
	all := func(required []string, properties object) object {
		return object{"type": "object", "required": required, "additionalProperties": false, "properties": properties}
	}
	list := func(items object) object { return object{"type": "array", "items": items} }
	switch operation {
	case opEncode:
		return all([]string{"codes"}, object{"codes": codes})
	case opGenerate:
		return all([]string{"rows"}, object{"rows": rows, "codes": codes})
	case opDetect:
		number := object{"type": "number"}
		reason := all([]string{"column", "value", "expected", "share"}, object{"column": object{"type": "integer"}, "name": object{"type": "string"}, "value": number, "expected": number, "share": number})
		return all([]string{"scores", "anomalous", "threshold"}, object{
			"scores": list(number), "anomalous": list(object{"type": "boolean"}), "threshold": number,
			"reasons": list(list(reason)), "heat": list(list(list(number))),
		})
	}
	return all([]string{"rows"}, object{"rows": rows})
}

package main

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// bundle returns the generated files by their paths.
func bundle(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, ending := range []string{"js", "css"} {
		from := map[string]string{"js": "main.ts", "css": "style.css"}[ending]
		r := api.Build(api.BuildOptions{
			EntryPoints: []string{filepath.Join(dir, "web", from)},
			Bundle:      true, Write: false,
			MinifySyntax: true, MinifyWhitespace: true, MinifyIdentifiers: true,
			Format: api.FormatIIFE, Target: api.ES2020, Charset: api.CharsetASCII, LegalComments: api.LegalCommentsNone,
			LogLevel: api.LogLevelSilent,
		})
		if len(r.Errors) > 0 {
			return nil, errors.New(strings.Join(api.FormatMessages(r.Errors, api.FormatMessagesOptions{}), "\n"))
		}
		text := bytes.ReplaceAll(r.OutputFiles[0].Contents, []byte("</script"), []byte("<\\/script"))
		files[filepath.Join(dir, "zz_explorer."+ending)] = text
	}
	return files, nil
}

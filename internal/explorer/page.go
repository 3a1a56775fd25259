package explorer

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"math"
	"strings"

	"aegis/data"
	"aegis/internal/detect"
	"aegis/model/program"
)

// What go generate bundled, and the page that it goes into.
var (
	//go:embed zz_explorer.js
	script string
	//go:embed zz_explorer.css
	style string
	//go:embed web/page.html
	markup string
)

// page is what the script of the page reads. Arrays lie in blobs.
type page struct {
	Title  string `json:"title"`
	Model  string `json:"model"`
	Shape  [3]int `json:"shape"` // of a row: channels, height, width; of vectors 0, 0 and their width
	Latent int    `json:"latent"`
	Live   bool   `json:"live,omitempty"` // the network trains: codes, losses and weights come later

	Parts  map[program.Part]part `json:"parts"`
	Params map[string]param      `json:"params"`

	Scaling  scaling     `json:"scaling"`
	Ends     *[2]float32 `json:"ends"`  // the least and the greatest value that the network reads; null: unknown
	Shown    [2]float32  `json:"shown"` // black and white, as the network reads values
	Loss     loss        `json:"loss"`
	Detector *detector   `json:"detector"`
	Corrupt  string      `json:"corrupt"` // what the network was trained to take away

	N            int       `json:"n"`
	Of           int       `json:"of"`    // rows that there were
	Bytes        bool      `json:"bytes"` // rows are bytes, else float32
	Classes      []string  `json:"classes"`
	Conditional  bool      `json:"conditional"`
	Columns      []string  `json:"columns"`
	Least        []float64 `json:"least"`
	Greatest     []float64 `json:"greatest"`
	CodeLeast    []float32 `json:"codeLeast"`
	CodeGreatest []float32 `json:"codeGreatest"`
	Axes         axes      `json:"axes"`

	blobs   []blob
	names   []string // of Params, in the order in which they lie
	weights int      // values of all of them
}

// scaling is a data.Scaling.
type scaling struct {
	Kind   data.Scale `json:"kind"`
	Lo     float32    `json:"lo"`
	Hi     float32    `json:"hi"`
	Shift  []float32  `json:"shift"`
	Factor []float32  `json:"factor"`
}

// detector is what scores are computed by.
type detector struct {
	Formula   detect.Formula `json:"formula"`
	Words     string         `json:"words"`
	Center    []float64      `json:"center"`
	Scale     []float64      `json:"scale"`
	Threshold float64        `json:"threshold"`
}

// blob is an array of values of width bytes, little-endian.
type blob struct {
	name  string
	bytes []byte
	width int
}

func (p *page) add(name string, bytes []byte, width int) {
	p.blobs = append(p.blobs, blob{name, bytes, width})
}

// packed compresses the bytes of a blob: all first bytes of the values, then all
// second ones, and so on, which are more alike than the bytes of one value.
func (b blob) packed(level int) (string, error) {
	text := b.bytes
	if b.width > 1 {
		n := len(b.bytes) / b.width
		text = make([]byte, 0, len(b.bytes))
		for k := range b.width {
			for i := range n {
				text = append(text, b.bytes[i*b.width+k])
			}
		}
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		return "", err
	}
	if _, err := z.Write(text); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(out.Bytes()), nil
}

// write puts all in one page. Only its own script and style may run, by their
// hashes; it asks for nothing from anywhere, or a live one where it came from.
func (p *page) write(w io.Writer) error {
	text, err := json.Marshal(p) // which writes <, > and & in a way that ends no element
	if err != nil {
		return err
	}
	policy := fmt.Sprintf("default-src 'none'; script-src %s; style-src %s; img-src data: blob:; base-uri 'none'; form-action 'none'", hash(script), hash(style))
	if p.Live {
		policy += "; connect-src 'self'"
	}
	var blobs strings.Builder
	level := gzip.BestCompression
	if p.Live { // beside training
		level = gzip.BestSpeed
	}
	for _, b := range p.blobs {
		packed, err := b.packed(level)
		if err != nil {
			return err
		}
		fmt.Fprintf(&blobs, "<script type=\"text/plain\" id=\"blob-%s\" data-width=\"%d\">%s</script>\n", b.name, b.width, packed)
	}
	_, err = strings.NewReplacer(
		"{{title}}", html.EscapeString(p.Title), "{{policy}}", policy, "{{style}}", style,
		"{{page}}", string(text), "{{blobs}}", blobs.String(), "{{script}}", script,
	).WriteString(w, markup)
	return err
}

// hash names a text in a policy.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func floatBytes(values []float32) []byte {
	out := make([]byte, 0, 4*len(values))
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}

func doubleBytes(values []float64) []byte {
	out := make([]byte, 0, 8*len(values))
	for _, v := range values {
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
	}
	return out
}

func numberBytes(values []int) []byte {
	out := make([]byte, 0, 4*len(values))
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, uint32(v))
	}
	return out
}

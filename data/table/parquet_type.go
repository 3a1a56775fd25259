package table

import (
	"math"
	"math/big"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// reading returns how the values of a column are read, or why they cannot be.
func reading(c *parquet.Column) (read func(parquet.Value) value, why string) {
	if !c.Leaf() || c.Repeated() {
		return nil, "nested values"
	}
	t := c.Type()
	if logical := t.LogicalType(); logical != nil {
		switch {
		case logical.Date != nil, logical.Time != nil, logical.Timestamp != nil:
			return nil, "dates or times"
		case logical.Decimal != nil:
			return decimals(t.Kind(), int(logical.Decimal.Scale))
		case logical.Integer != nil && !logical.Integer.IsSigned:
			return unsigned(t.Kind())
		case logical.Json != nil:
			return nil, "JSON"
		case logical.Bson != nil, logical.UUID != nil, logical.Float16 != nil,
			logical.Variant != nil, logical.Geometry != nil, logical.Geography != nil:
			return nil, "values of type " + logical.String()
		}
	}
	switch t.Kind() {
	case parquet.Boolean:
		return func(v parquet.Value) value { return value{kind: text, text: strconv.FormatBool(v.Boolean())} }, ""
	case parquet.Int32:
		return func(v parquet.Value) value { return ofNumber(float64(v.Int32())) }, ""
	case parquet.Int64:
		return func(v parquet.Value) value { return ofNumber(float64(v.Int64())) }, ""
	case parquet.Float:
		return func(v parquet.Value) value { return ofNumber(float64(v.Float())) }, ""
	case parquet.Double:
		return func(v parquet.Value) value { return ofNumber(v.Double()) }, ""
	case parquet.ByteArray:
		return func(v parquet.Value) value { return ofText(string(v.ByteArray()), false) }, ""
	case parquet.Int96:
		return nil, "dates or times"
	}
	return nil, "bytes"
}

func unsigned(kind parquet.Kind) (func(parquet.Value) value, string) {
	if kind == parquet.Int32 {
		return func(v parquet.Value) value { return ofNumber(float64(v.Uint32())) }, ""
	}
	return func(v parquet.Value) value { return ofNumber(float64(v.Uint64())) }, ""
}

// decimals are whole numbers of a power of ten.
func decimals(kind parquet.Kind, scale int) (func(parquet.Value) value, string) {
	unit := math.Pow10(scale)
	switch kind {
	case parquet.Int32:
		return func(v parquet.Value) value { return ofNumber(float64(v.Int32()) / unit) }, ""
	case parquet.Int64:
		return func(v parquet.Value) value { return ofNumber(float64(v.Int64()) / unit) }, ""
	}
	return func(v parquet.Value) value { return ofNumber(bigEndian(v.ByteArray()) / unit) }, ""
}

// bigEndian is a number in two's complement.
func bigEndian(b []byte) float64 {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	f, _ := new(big.Float).SetInt(n).Float64()
	return f
}

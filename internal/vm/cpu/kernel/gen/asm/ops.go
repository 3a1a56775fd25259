package asm

import "math"

// kind is what an operation does.
type kind uint8

const (
	loadFloats  kind = iota // of slice name, once in a round
	loadInts                // bytes of slice name, as integers
	loadMask                // a bit for each lane, of slice name
	storeFloats             // into slice name
	skipIfNil               // what follows, up to endSkip, where slice name is nil
	endSkip
	addTotal        // to the result, in float64
	addTotalSquares // the squares, which are exact in float64
	parameter       // name in every lane
	constant        // bits in every lane

	addFloats
	subFloats
	mulFloats
	divFloats
	maxFloats // of the lanes' operands the second where one is a NaN
	minFloats
	andBits
	orBits
	xorBits
	addInts
	subInts
	powerOf2 // the first operand times two to the power of the second

	squareRoot
	toInts     // to the nearest
	toFloats   // of integers
	shiftLeft  // by n
	shiftDown  // of integers without a sign
	shiftRight // of integers
	nearest    // whole number
	nearRoot   // 1/√x to 12 bits or more
	nearReciprocal

	mulAdd // a·b + c, rounded once
	mulSub // c − a·b
	compare
	pick // the second operand where the mask is set, the third elsewhere
	only // the operand where the mask is set, 0 elsewhere
)

// predicate is the n of a comparison.
const (
	less         = 1  // false for a NaN
	lessEqual    = 2  // false for a NaN
	notGreaterEq = 9  // true for a NaN
	unequal      = 12 // false for a NaN
)

// operation is one step of a loop.
type operation struct {
	kind kind
	args []value
	name string // a slice or a parameter
	n    int    // of a shift or a comparison

	constant string // a constant's name
	pinned   string // register of a parameter, or of a constant that has one
}

// void tells whether there is no result.
func (o *operation) void() bool {
	switch o.kind {
	case storeFloats, skipIfNil, endSkip, addTotal, addTotalSquares:
		return true
	}
	return false
}

// mask tells whether the result is a mask.
func (o *operation) mask() bool { return o.kind == compare || o.kind == loadMask }

// placed tells whether the operation is one of the round's steps: parameters and
// constants are there before.
func (o *operation) placed() bool { return o.kind != parameter && o.kind != constant }

// Operations of a loop. They read like the formulas: a.sub(y, t) is y − t.

func (l *loop) do(o operation) value {
	l.ops = append(l.ops, o)
	return value(len(l.ops) - 1)
}

// load reads a slice at the current place, once in a round.
func (l *loop) load(slice string) value {
	v, ok := l.loads[slice]
	if !ok {
		v = l.do(operation{kind: loadFloats, name: slice})
		l.loads[slice] = v
	}
	return v
}

// loadBytes reads bytes as integers, loadBits a bit for each lane as a mask.
func (l *loop) loadBytes(slice string) value { return l.do(operation{kind: loadInts, name: slice}) }
func (l *loop) loadBits(slice string) value  { return l.do(operation{kind: loadMask, name: slice}) }

// store writes a slice at the current place.
func (l *loop) store(slice string, v value) {
	l.do(operation{kind: storeFloats, name: slice, args: []value{v}})
}

// storeIf writes a slice unless it is nil.
func (l *loop) storeIf(slice string, v value) {
	l.do(operation{kind: skipIfNil, name: slice})
	l.store(slice, v)
	l.do(operation{kind: endSkip})
}

// sum adds values to the result, in float64, and sumSquares their squares.
func (l *loop) sum(v value)        { l.total(addTotal, v) }
func (l *loop) sumSquares(v value) { l.total(addTotalSquares, v) }

func (l *loop) total(k kind, v value) {
	l.sums = make([]string, 2)
	l.do(operation{kind: k, args: []value{v}})
}

// param is a parameter in every lane.
func (l *loop) param(name string) value {
	v, ok := l.scalars[name]
	if !ok {
		v = l.do(operation{kind: parameter, name: name})
		l.scalars[name] = v
	}
	return v
}

// c is a number in every lane, bits a pattern.
func (l *loop) c(f float64) value { return l.bits(math.Float32bits(float32(f))) }

func (l *loop) bits(pattern uint32) value {
	return l.do(operation{kind: constant, constant: l.constant(pattern)})
}

func (l *loop) binary(k kind, a, b value) value {
	return l.do(operation{kind: k, args: []value{a, b}})
}

func (l *loop) unary(k kind, a value) value { return l.do(operation{kind: k, args: []value{a}}) }

func (l *loop) shift(k kind, a value, n int) value {
	return l.do(operation{kind: k, args: []value{a}, n: n})
}

// swapped is binary for an operation whose operands may change places: a
// constant becomes the second.
func (l *loop) swapped(k kind, a, b value) value {
	if l.isConstant(a) {
		a, b = b, a
	}
	return l.binary(k, a, b)
}

func (l *loop) add(a, b value) value { return l.swapped(addFloats, a, b) }
func (l *loop) sub(a, b value) value { return l.binary(subFloats, a, b) }
func (l *loop) mul(a, b value) value { return l.swapped(mulFloats, a, b) }
func (l *loop) div(a, b value) value { return l.binary(divFloats, a, b) }

// atLeast is max(v, low), atMost min(v, high). A NaN in v comes out.
func (l *loop) atLeast(low, v value) value { return l.binary(maxFloats, low, v) }
func (l *loop) atMost(high, v value) value { return l.binary(minFloats, high, v) }

func (l *loop) and(a, b value) value { return l.swapped(andBits, a, b) }
func (l *loop) or(a, b value) value  { return l.swapped(orBits, a, b) }
func (l *loop) xor(a, b value) value { return l.swapped(xorBits, a, b) }

func (l *loop) addInt(a, b value) value { return l.swapped(addInts, a, b) }
func (l *loop) subInt(a, b value) value { return l.binary(subInts, a, b) }

func (l *loop) toInt(a value) value             { return l.unary(toInts, a) } // to the nearest
func (l *loop) toFloat(a value) value           { return l.unary(toFloats, a) }
func (l *loop) shiftLeft(a value, n int) value  { return l.shift(shiftLeft, a, n) }
func (l *loop) shiftDown(a value, n int) value  { return l.shift(shiftDown, a, n) } // of an integer without a sign
func (l *loop) shiftRight(a value, n int) value { return l.shift(shiftRight, a, n) }

// nearest gives the nearest whole number.
func (l *loop) nearest(a value) value { return l.unary(nearest, a) }

// fma is a·b + c, rounded once; fnma is c − a·b.
func (l *loop) fma(a, b, c value) value  { return l.fused(mulAdd, a, b, c) }
func (l *loop) fnma(a, b, c value) value { return l.fused(mulSub, a, b, c) }

func (l *loop) fused(k kind, a, b, c value) value {
	if l.isConstant(a) {
		a, b = b, a
	}
	return l.do(operation{kind: k, args: []value{a, b, c}})
}

// compare makes a mask of a < b and the like.
func (l *loop) compare(predicate int, a, b value) value {
	return l.do(operation{kind: compare, n: predicate, args: []value{a, b}})
}

// pick is a where the mask is set, b elsewhere.
func (l *loop) pick(mask, a, b value) value {
	return l.do(operation{kind: pick, args: []value{mask, a, b}})
}

// only is a where the mask is set, 0 elsewhere.
func (l *loop) only(mask, a value) value {
	return l.do(operation{kind: only, args: []value{mask, a}})
}

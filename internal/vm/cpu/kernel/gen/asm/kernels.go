package asm

import "math"

// loops are the kernels that are loops over values.
func loops() []kernel {
	act := func(name, key string, f func(l *loop, x value) value) kernel {
		return kernel{name: name, table: "act", key: key, length: "dst", body: func(l *loop) { l.store("dst", f(l, l.load("src"))) }}
	}
	grad := func(name, key string, f func(l *loop, g, y value) value) kernel {
		return kernel{name: name + "Grad", table: "actGrad", key: key, length: "dst", body: func(l *loop) {
			l.store("dst", f(l, l.load("g"), l.load("y")))
		}}
	}
	return []kernel{
		act("relu", "ReLU", func(l *loop, x value) value { return l.atLeast(l.c(0), x) }),
		act("leakyReLU", "LeakyReLU", func(l *loop, x value) value {
			return l.pick(l.compare(less, x, l.c(0)), l.mul(x, l.param("alpha")), x)
		}),
		act("tanh", "Tanh", (*loop).tanh),
		act("sigmoid", "Sigmoid", func(l *loop, x value) value { return l.sigmoid(x, l.exp(l.negAbs(x))) }),
		act("elu", "ELU", func(l *loop, x value) value {
			low := l.expm1(l.atLeast(l.c(-18), x)) // below, eˣ − 1 rounds to −1
			return l.pick(l.compare(less, l.c(0), x), x, l.mul(low, l.param("alpha")))
		}),
		act("gelu", "GELU", func(l *loop, x value) value {
			x = l.atLeast(l.c(-15), x)
			phi, _ := l.normal(x)
			return l.mul(x, phi)
		}),
		grad("relu", "ReLU", func(l *loop, g, y value) value {
			return l.pick(l.compare(lessEqual, y, l.c(0)), l.c(0), g)
		}),
		grad("leakyReLU", "LeakyReLU", func(l *loop, g, y value) value {
			return l.pick(l.compare(lessEqual, y, l.c(0)), l.mul(g, l.param("alpha")), g)
		}),
		grad("tanh", "Tanh", func(l *loop, g, y value) value { return l.mul(g, l.fnma(y, y, l.c(1))) }),
		grad("sigmoid", "Sigmoid", func(l *loop, g, y value) value { return l.mul(g, l.mul(y, l.sub(l.c(1), y))) }),
		grad("elu", "ELU", func(l *loop, g, y value) value {
			return l.pick(l.compare(less, l.c(0), y), g, l.mul(g, l.add(y, l.param("alpha"))))
		}),
		grad("gelu", "GELU", func(l *loop, g, z value) value {
			z = l.atMost(l.c(15), l.atLeast(l.c(-15), z))
			phi, e := l.normal(z)
			density := l.mul(e, l.c(1/math.Sqrt(2*math.Pi)))
			return l.mul(g, l.fma(z, density, phi))
		}),
		{name: "mse", table: "losses", length: "y", body: mse},
		{name: "mae", table: "losses", length: "y", body: mae},
		{name: "huber", table: "losses", length: "y", body: huber},
		{name: "bce", table: "losses", length: "y", body: bce},
		{name: "bceLogits", table: "losses", length: "y", body: bceLogits},
		{name: "adam", table: "updates", length: "w", body: adam},
		{name: "adamDecay", table: "updates", length: "w", body: adamDecay},
		{name: "sgd", table: "updates", length: "w", body: func(l *loop) {
			l.store("w", l.sub(l.load("w"), l.mul(l.load("g"), l.param("lr"))))
		}},
		{name: "sgdDecay", table: "updates", length: "w", body: func(l *loop) {
			l.store("w", l.sub(l.mul(l.load("w"), l.param("keep")), l.mul(l.load("g"), l.param("lr"))))
		}},
		{name: "momentum", table: "updates", length: "w", body: func(l *loop) {
			u := l.add(l.mul(l.load("u"), l.param("mu")), l.load("g"))
			l.store("u", u)
			l.store("w", l.sub(l.load("w"), l.mul(u, l.param("lr"))))
		}},
		{name: "momentumDecay", table: "updates", length: "w", body: momentumDecay},
		{name: "rmsprop", table: "updates", length: "w", body: rmsprop},
		{name: "rmspropMomentum", table: "updates", length: "w", body: rmspropMomentum},
		{name: "add", length: "dst", body: func(l *loop) { l.store("dst", l.add(l.load("dst"), l.load("a"))) }},
		{name: "sub", length: "dst", body: func(l *loop) { l.store("dst", l.sub(l.load("dst"), l.load("a"))) }},
		{name: "mul", length: "dst", body: func(l *loop) { l.store("dst", l.mul(l.load("dst"), l.load("a"))) }},
		{name: "addMul", length: "dst", body: func(l *loop) {
			l.store("dst", l.add(l.load("dst"), l.mul(l.load("a"), l.load("b"))))
		}},
		{name: "follow", length: "dst", body: func(l *loop) {
			x := l.load("x")
			l.store("dst", l.add(x, l.mul(l.sub(l.load("dst"), x), l.param("decay"))))
		}},
		{name: "affine", length: "dst", body: func(l *loop) {
			l.store("dst", l.add(l.mul(l.load("x"), l.load("scale")), l.load("shift")))
		}},
		{name: "affineReLU", length: "dst", body: func(l *loop) {
			l.store("dst", l.atLeast(l.c(0), l.add(l.mul(l.load("x"), l.load("scale")), l.load("shift"))))
		}},
		{name: "affine2", length: "dst", body: func(l *loop) {
			sum := l.add(l.load("shift"), l.mul(l.load("x"), l.load("scale")))
			l.store("dst", l.add(sum, l.mul(l.load("y"), l.load("scaleY"))))
		}},
		{name: "addSquares", length: "dst", body: func(l *loop) {
			d := l.sub(l.load("x"), l.load("mean"))
			l.store("dst", l.add(l.load("dst"), l.mul(d, d)))
		}},
		{name: "addCentred", length: "dst", body: func(l *loop) {
			d := l.sub(l.load("x"), l.load("mean"))
			l.store("dst", l.add(l.load("dst"), l.mul(d, l.load("g"))))
			l.store("sum", l.add(l.load("sum"), l.load("g")))
		}},
		{name: "scale", length: "dst", body: func(l *loop) { l.store("dst", l.mul(l.load("dst"), l.param("factor"))) }},
		{name: "drop", length: "dst", body: func(l *loop) {
			l.store("dst", l.mul(l.load("src"), l.only(l.loadBits("bits"), l.param("factor"))))
		}},
		{name: "clamp", length: "dst", body: func(l *loop) {
			l.store("dst", l.atMost(l.param("high"), l.atLeast(l.param("low"), l.load("x"))))
		}},
		{name: "normals", length: "first", body: normals},
		{name: "clip", length: "dst", body: func(l *loop) { l.store("dst", l.mul(l.bounded("g"), l.param("factor"))) }},
		{name: "sumSquares", length: "g", body: func(l *loop) { l.sumSquares(l.bounded("g")) }},
		{name: "sum", length: "x", body: func(l *loop) { l.sum(l.load("x")) }},
		{name: "decodeBytes", length: "dst", body: func(l *loop) {
			x := l.toFloat(l.loadBytes("src"))
			l.store("dst", l.add(l.mul(x, l.param("factor")), l.param("offset")))
		}},
	}
}

// bounded is a slice's value within its limit.
func (l *loop) bounded(slice string) value {
	limit := l.param("limit")
	return l.atMost(limit, l.atLeast(l.xor(limit, l.bits(signBit)), l.load(slice)))
}

func mse(l *loop) {
	d := l.sub(l.load("y"), l.load("t"))
	l.sum(l.mul(d, d))
	l.storeIf("dst", l.mul(d, l.param("coef")))
}

func mae(l *loop) {
	d := l.sub(l.load("y"), l.load("t"))
	l.sum(l.abs(d))
	signed := l.xor(l.param("coef"), l.and(d, l.bits(signBit)))
	l.storeIf("dst", l.pick(l.compare(unequal, d, l.c(0)), signed, d)) // 0 and NaN stay
}

func huber(l *loop) {
	d, delta := l.sub(l.load("y"), l.load("t")), l.param("delta")
	low := l.xor(delta, l.bits(signBit))
	c := l.atMost(delta, l.atLeast(low, d))
	l.sum(l.mul(c, l.fnma(c, l.c(0.5), d)))
	l.storeIf("dst", l.mul(c, l.param("coef")))
}

func bce(l *loop) {
	y, t := l.load("y"), l.load("t")
	rest := l.sub(l.c(1), y)
	lost := l.sub(l.sub(l.c(1), rest), y) // by that subtraction's rounding
	log1 := l.atLeast(l.c(-100), l.log(y))
	log0 := l.atLeast(l.c(-100), l.add(l.log(rest), lost))
	l.sum(l.fnma(t, log1, l.mul(l.sub(t, l.c(1)), log0)))
	variance := l.atLeast(l.c(1e-12), l.mul(y, rest))
	l.storeIf("dst", l.div(l.mul(l.sub(y, t), l.param("coef")), variance))
}

func bceLogits(l *loop) {
	z, t := l.load("y"), l.load("t")
	e := l.exp(l.negAbs(z))
	l.sum(l.add(l.fnma(z, t, l.atLeast(l.c(0), z)), l.log1p(e)))
	l.storeIf("dst", l.mul(l.sub(l.sigmoid(z, e), t), l.param("coef")))
}

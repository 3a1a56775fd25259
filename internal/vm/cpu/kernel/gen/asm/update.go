package asm

// adam takes root and quotient by Newton's method; its step is within 4 units
// in the last place of the plain loop's.
func adam(l *loop) {
	g := l.load("g")
	m := l.add(l.mul(l.load("m"), l.param("b1")), l.mul(g, l.param("c1")))
	v := l.add(l.mul(l.load("v"), l.param("b2")), l.mul(l.mul(g, l.param("c2")), g))
	l.store("m", m)
	l.store("v", v)
	step := l.mul(l.mul(m, l.param("alpha")), l.reciprocal(l.add(l.sqrt(v), l.param("eps"))))
	l.store("w", l.sub(l.load("w"), step))
}

// decayed is the gradient with its term of weight decay.
func decayed(l *loop) value { return l.add(l.load("g"), l.mul(l.load("w"), l.param("decay"))) }

// adamDecay is adam's step by the gradient d, from keep·w on.
func adamDecay(l *loop) {
	d := decayed(l)
	m := l.add(l.mul(l.load("m"), l.param("b1")), l.mul(d, l.param("c1")))
	v := l.add(l.mul(l.load("v"), l.param("b2")), l.mul(l.mul(d, l.param("c2")), d))
	l.store("m", m)
	l.store("v", v)
	step := l.mul(l.mul(m, l.param("alpha")), l.reciprocal(l.add(l.sqrt(v), l.param("eps"))))
	l.store("w", l.sub(l.mul(l.load("w"), l.param("keep")), step))
}

func momentumDecay(l *loop) {
	d := decayed(l)
	u := l.add(l.mul(l.load("u"), l.param("mu")), d)
	l.store("u", u)
	l.store("w", l.sub(l.load("w"), l.add(l.mul(d, l.param("ahead")), l.mul(u, l.param("along")))))
}

// squares updates the mean of squares of the gradient d and returns 1/(√v + eps).
func squares(l *loop, d value) value {
	v := l.add(l.mul(l.load("v"), l.param("b")), l.mul(l.mul(d, l.param("c")), d))
	l.store("v", v)
	return l.reciprocal(l.add(l.sqrt(v), l.param("eps")))
}

func rmsprop(l *loop) {
	d := decayed(l)
	scale := squares(l, d)
	l.store("w", l.sub(l.load("w"), l.mul(l.mul(d, l.param("lr")), scale)))
}

func rmspropMomentum(l *loop) {
	d := decayed(l)
	scale := squares(l, d)
	u := l.add(l.mul(l.load("u"), l.param("mu")), l.mul(d, scale))
	l.store("u", u)
	l.store("w", l.sub(l.load("w"), l.mul(u, l.param("lr"))))
}

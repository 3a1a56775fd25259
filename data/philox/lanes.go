package philox

// Lanes is how many counters are drawn for side by side by who draws many.
const Lanes = 16

// Side draws the words of Lanes counters side by side, again and again: in turn b
// those of the counters first[lane] + b·stride of a step and a row. dst[64·b +
// 16·j + lane] is word j.
func (s Stream) Side(dst []uint32, first *[Lanes]uint32, turns int, stride, step, row uint32) {
	key := [2]uint32{uint32(s.Seed), uint32(s.Seed >> 32)}
	var out [16]uint32
	for turn := range turns {
		words := dst[64*turn:][:64]
		for at := 0; at < Lanes; at += 4 {
			more := uint32(turn) * stride
			four(key, [4]uint32{first[at] + more, first[at+1] + more, first[at+2] + more, first[at+3] + more}, row, step, uint32(s.Purpose), &out)
			for i, w := range out {
				words[16*(i%4)+at+i/4] = w
			}
		}
	}
}

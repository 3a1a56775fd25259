package images

import (
	"encoding/binary"
	"image"
)

// Most of what is read are photographs as baseline JPEG, of which a row holds a
// hundredth of the pixels. They are decoded to a half, a quarter or an eighth of
// their size: the transform of a block gives the means of 2×2, 4×4 or 8×8 pixels
// directly, for much less than all of them and then their means. Whatever is
// unusual, broken or cut short is left to the decoder of the standard library,
// which says what is wrong.

// reduction is how many pixels across and down may be read as one, where a row
// is made of an image: 1, 2, 4 or 8. At least two of them are left for each
// pixel of the row, so that those that it covers in part weigh little.
func reduction(at placement, to size) int {
	step := min((at.right-at.left)/float64(to.width), (at.bottom-at.top)/float64(to.height))
	for _, n := range []int{8, 4, 2} {
		if step >= float64(2*n) {
			return n
		}
	}
	return 1
}

// reducedJPEG decodes a JPEG of a size with one value for so many pixels across
// and down, only its brightness where gray is set. ok is false where another
// decoder must look at the file.
func reducedJPEG(file []byte, of size, by int, gray bool) (m planar, ok bool) {
	d := reducer{rest: file, size: of, by: by, gray: gray}
	if !d.is(0xd8) {
		return m, false
	}
	for {
		marker, segment, ok := d.segment()
		if !ok {
			return m, false
		}
		switch {
		case marker == 0xc0, marker == 0xc1:
			ok = d.frame(segment)
		case marker == 0xc4:
			ok = d.huffman(segment)
		case marker == 0xdb:
			ok = d.quantization(segment)
		case marker == 0xdd:
			if ok = len(segment) == 2; ok {
				d.restart = int(binary.BigEndian.Uint16(segment))
			}
		case marker == 0xda:
			ok = d.start(segment) && d.scan()
			return d.planar, ok
		case marker == 0xee && len(segment) >= 12 && string(segment[:5]) == "Adobe":
			ok = segment[11] == 1 // else no brightness and colours
		case marker >= 0xe0 && marker <= 0xef, marker == 0xfe:
		default:
			ok = false // such as progressive, or arithmetic coding
		}
		if !ok {
			return m, false
		}
	}
}

// reducer decodes a JPEG.
type reducer struct {
	planar
	rest       []byte // of the file
	size       size
	by         int
	gray       bool
	components []component
	quants     [4][64]uint16 // in the order of the file
	known      [4]bool       // which of them there are
	dc, ac     [4]*huffman
	restart    int // blocks of all components between markers, 0: no markers
}

// component is brightness or a colour.
type component struct {
	id, quant    byte
	across, down int // blocks of a unit
	dc, ac       *huffman
	block        *reducedBlock
	plane        *plane // nil: not wanted
	last         int32  // DC of the block before
}

// is takes a marker if it is the next one.
func (d *reducer) is(marker byte) bool {
	if len(d.rest) < 2 || d.rest[0] != 0xff || d.rest[1] != marker {
		return false
	}
	d.rest = d.rest[2:]
	return true
}

// segment takes a marker and what belongs to it.
func (d *reducer) segment() (marker byte, content []byte, ok bool) {
	if len(d.rest) < 4 || d.rest[0] != 0xff {
		return 0, nil, false
	}
	marker = d.rest[1]
	n := int(binary.BigEndian.Uint16(d.rest[2:]))
	if n < 2 || 2+n > len(d.rest) {
		return 0, nil, false
	}
	content, d.rest = d.rest[4:2+n], d.rest[2+n:]
	return marker, content, true
}

// quantization reads tables of steps.
func (d *reducer) quantization(s []byte) bool {
	for len(s) > 0 {
		wide, at := s[0]>>4, s[0]&15
		n := 64 * (int(wide) + 1)
		if wide > 1 || at > 3 || len(s) < 1+n {
			return false
		}
		for i := range 64 {
			if wide == 0 {
				d.quants[at][i] = uint16(s[1+i])
			} else {
				d.quants[at][i] = binary.BigEndian.Uint16(s[1+2*i:])
			}
		}
		d.known[at] = true
		s = s[1+n:]
	}
	return true
}

// huffman reads tables of codes.
func (d *reducer) huffman(s []byte) bool {
	for len(s) > 0 {
		class, at := s[0]>>4, s[0]&15
		if class > 1 || at > 3 || len(s) < 17 {
			return false
		}
		n := 0
		for _, count := range s[1:17] {
			n += int(count)
		}
		if n > 256 || len(s) < 17+n {
			return false
		}
		h, ok := newHuffman([16]byte(s[1:17]), s[17:17+n])
		if !ok {
			return false
		}
		if class == 0 {
			d.dc[at] = h
		} else {
			d.ac[at] = h
		}
		s = s[17+n:]
	}
	return true
}

// frame reads size and components: grey, or brightness and two colours that are
// not sampled more often.
func (d *reducer) frame(s []byte) bool {
	if d.components != nil || len(s) < 6 || s[0] != 8 || len(s) != 6+3*int(s[5]) || s[5] != 1 && s[5] != 3 {
		return false
	}
	if d.size != (size{int(binary.BigEndian.Uint16(s[1:])), int(binary.BigEndian.Uint16(s[3:]))}) {
		return false
	}
	ids := ""
	for s = s[6:]; len(s) > 0; s = s[3:] {
		d.components = append(d.components, component{id: s[0], across: int(s[1] >> 4), down: int(s[1] & 15), quant: s[2]})
		ids += string(rune(s[0]))
		if s[2] > 3 {
			return false
		}
	}
	if ids == "RGB" {
		return false
	}
	if len(d.components) == 1 { // there are no units
		d.components[0].across, d.components[0].down = 1, 1
		return true
	}
	y, cb, cr := d.components[0], d.components[1], d.components[2]
	return (y.across == 1 || y.across == 2) && (y.down == 1 || y.down == 2) && y.id != cb.id && y.id != cr.id && cb.id != cr.id &&
		cb.across == 1 && cb.down == 1 && cr.across == 1 && cr.down == 1
}

// start reads the header of a scan that has all components, and makes room for
// the planes.
func (d *reducer) start(s []byte) bool {
	n := len(d.components)
	if n == 0 || len(s) != 4+2*n || int(s[0]) != n || [3]byte(s[1+2*n:]) != [3]byte{0, 63, 0} {
		return false
	}
	for i := range d.components {
		c := &d.components[i]
		dc, ac := s[2+2*i]>>4, s[2+2*i]&15
		if s[1+2*i] != c.id || dc > 3 || ac > 3 || d.dc[dc] == nil || d.ac[ac] == nil || !d.known[c.quant] {
			return false
		}
		c.dc, c.ac = d.dc[dc], d.ac[ac]
		d.room(c, i)
	}
	return true
}

// room makes the plane of a component, of whole units. Colours that have fewer
// pixels both ways are reduced the less, but by half.
func (d *reducer) room(c *component, i int) {
	first := d.components[0]
	subX, subY := first.across/c.across, first.down/c.down
	by := max(2, d.by/min(subX, subY))
	c.block = newReducedBlock(8/by, &d.quants[c.quant])
	if i > 0 && d.gray {
		return
	}
	across, down := d.units()
	n := 8 / by
	stride := across * c.across * n
	d.planes[i] = plane{
		pix: make([]byte, stride*down*c.down*n), stride: stride,
		width: (d.size.width + subX - 1) / subX / by, height: (d.size.height + subY - 1) / subY / by,
		across: float64(subX * by), down: float64(subY * by),
	}
	c.plane = &d.planes[i]
	d.count = i + 1
}

// units are the groups of blocks of all components across and down.
func (d *reducer) units() (across, down int) {
	w, h := 8*d.components[0].across, 8*d.components[0].down
	return (d.size.width + w - 1) / w, (d.size.height + h - 1) / h
}

// scan decodes all blocks, and says whether the file ends with them.
func (d *reducer) scan() bool {
	bits := bitReader{rest: d.rest}
	across, down := d.units()
	for i := range across * down {
		if d.restart > 0 && i > 0 && i%d.restart == 0 {
			if !bits.marker(0xd0 + byte(i/d.restart-1)%8) {
				return false
			}
			for k := range d.components {
				d.components[k].last = 0
			}
		}
		for k := range d.components {
			if !d.components[k].unit(&bits, i/across, i%across) {
				return false
			}
		}
	}
	return bits.marker(0xd9)
}

// unit decodes the blocks of a component in a unit.
func (c *component) unit(bits *bitReader, row, column int) bool {
	for y := range c.down {
		for x := range c.across {
			if !c.block.decode(bits, c) {
				return false
			}
			if p := c.plane; p != nil {
				n := c.block.n
				c.block.put(p.pix[(row*c.down+y)*n*p.stride+(column*c.across+x)*n:], p.stride)
			}
		}
	}
	return true
}

// plane is a plane of an image: brightness or a colour.
type plane struct {
	pix                   []byte
	stride, width, height int
	across, down          float64 // pixels of the image that one of the plane stands for
}

// planar is an image of one plane, grey, or three: brightness and two colours.
type planar struct {
	planes [3]plane
	count  int
	tv     bool // the narrower range of television, as WebP has
}

// planarOf gives the planes of a decoded image.
func planarOf(m *image.YCbCr, tv bool) planar {
	subX, subY := subsampling(m.SubsampleRatio)
	w, h := m.Rect.Dx(), m.Rect.Dy()
	colour := plane{stride: m.CStride, width: (w + subX - 1) / subX, height: (h + subY - 1) / subY, across: float64(subX), down: float64(subY)}
	cb, cr := colour, colour
	cb.pix, cr.pix = m.Cb, m.Cr
	return planar{planes: [3]plane{{m.Y, m.YStride, w, h, 1, 1}, cb, cr}, count: 3, tv: tv}
}

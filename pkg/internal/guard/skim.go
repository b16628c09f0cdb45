package guard

import "bytes"

// skim reads to the end tag of the innermost open element, counting tags only.
func (r *Reader) skim() error {
	level := len(r.open)
	for depth := level; ; {
		i := bytes.IndexByte(r.buf[r.at:r.end], '<')
		if i < 0 {
			r.at = r.end
			if err := r.fill(1); err != nil {
				return err
			}
			if r.at == r.end {
				return ErrCut
			}
			continue
		}
		r.at += i
		tag, err := r.markup()
		if err != nil {
			return err
		}
		if !tag {
			if err := r.overCDATA(); err != nil {
				return err
			}
			continue
		}
		if r.buf[r.at+1] == '/' {
			if depth == level {
				r.open[level-1].comment = false
				return r.endTag()
			}
			depth--
			r.at += 2
			if err := r.untilByte('>'); err != nil {
				return err
			}
			continue
		}
		empty, err := r.overTag()
		if err != nil {
			return err
		}
		if err := r.count(depth); err != nil {
			return err
		}
		if !empty {
			depth++
		}
	}
}

func (r *Reader) overCDATA() error {
	if !r.cdata {
		return nil
	}
	r.cdata = false
	return r.until("]]>")
}

// untilByte reads over everything up to and with one byte.
func (r *Reader) untilByte(mark byte) error {
	for {
		if i := bytes.IndexByte(r.buf[r.at:r.end], mark); i >= 0 {
			r.at += i + 1
			return nil
		}
		r.at = r.end
		if err := r.fill(1); err != nil {
			return err
		}
		if r.at == r.end {
			return ErrCut
		}
	}
}

// overTag reads over a start tag of any length.
func (r *Reader) overTag() (empty bool, err error) {
	last, quote := byte(0), byte(0)
	for r.at++; ; r.at++ {
		if r.at == r.end {
			if err := r.fill(1); err != nil {
				return false, err
			}
			if r.at == r.end {
				return false, ErrCut
			}
		}
		c := r.buf[r.at]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '>':
			r.at++
			return last == '/', nil
		case c == '"' || c == '\'':
			quote = c
		case c == '<':
			return false, refuse("a tag inside a tag")
		}
		last = c
	}
}

package address

import "math"

// The parameters of punycode (RFC 3492, section 5).
const (
	base        = 36
	tMin        = 1
	tMax        = 26
	skew        = 38
	damp        = 700
	initialBias = 72
	initialN    = 128
)

// punycode encodes one label by RFC 3492, section 6.3, without the prefix "xn--". It answers false on overflow.
func punycode(label string) (string, bool) {
	in := []rune(label)
	var out []byte
	for _, r := range in {
		if r < initialN {
			out = append(out, byte(r))
		}
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(initialN), 0, initialBias
	for done := basic; done < len(in); n++ {
		next := smallest(in, n)
		step := int(next-n) * (done + 1)
		if delta > math.MaxInt32-step {
			return "", false
		}
		delta, n = delta+step, next
		for _, r := range in {
			if r < n {
				delta++
			}
			if r == n {
				out = number(out, delta, bias)
				bias = adapt(delta, done+1, done == basic)
				delta = 0
				done++
			}
		}
		delta++
	}
	return string(out), true
}

// smallest is the least code point not below n.
func smallest(in []rune, n rune) rune {
	least := rune(math.MaxInt32)
	for _, r := range in {
		if r >= n {
			least = min(least, r)
		}
	}
	return least
}

// number writes one delta as a variable-length integer.
func number(out []byte, q, bias int) []byte {
	for k := base; ; k += base {
		t := min(max(k-bias, tMin), tMax)
		if q < t {
			return append(out, digit(q))
		}
		out = append(out, digit(t+(q-t)%(base-t)))
		q = (q - t) / (base - t)
	}
}

func digit(d int) byte {
	if d < 26 {
		return byte('a' + d)
	}
	return byte('0' + d - 26)
}

func adapt(delta, points int, first bool) int {
	if first {
		delta /= damp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for ; delta > (base-tMin)*tMax/2; k += base {
		delta /= base - tMin
	}
	return k + (base-tMin+1)*delta/(delta+skew)
}

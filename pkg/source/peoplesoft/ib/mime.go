package ib

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/internal/guard"
)

// maxInfo bounds an IBInfo part and the parts that stand before it.
const maxInfo = 1 << 20

// parts reads a multipart body: IBInfo, by Content-ID or root element, and content sections.
type parts struct {
	m      *Message
	in     *watch
	r      *multipart.Reader
	names  *stated
	before [][]byte  // content that stood before IBInfo
	long   io.Reader // the one of before that is nil: too long to keep
	count  int
	ended  bool
}

// openMIME opens F6.
func (m *Message) openMIME(b io.Reader, params map[string]string, names stated) error {
	m.Format = MIME
	if params["boundary"] == "" {
		return badEnvelope("multipart without a boundary")
	}
	watched := &watch{in: b, mark: []byte("--" + params["boundary"] + "--")}
	p := &parts{m: m, in: watched, r: multipart.NewReader(watched, params["boundary"]), names: &names}
	if err := p.findInfo(); err != nil {
		return err
	}
	if m.Ping {
		for !p.ended {
			if _, err := p.part(); err != nil {
				return err
			}
		}
		return nil
	}
	return m.begin(p.next, names)
}

// findInfo reads up to IBInfo. Content that stands before it is kept while it is small; else IBInfo counts as missing.
func (p *parts) findInfo() error {
	kept := 0
	for !p.ended && kept < maxInfo {
		part, err := p.part()
		if err != nil || part == nil {
			return err
		}
		data, err := io.ReadAll(io.LimitReader(part, maxInfo+1))
		if err != nil {
			return mimeError(err)
		}
		if part.info(data) {
			if len(data) > maxInfo {
				return tooLarge("the IBInfo part is larger than is accepted")
			}
			return p.m.info(data, p.names)
		}
		if len(data) > maxInfo { // long content: go on with it as a stream
			p.open(io.MultiReader(bytes.NewReader(data), part))
			return nil
		}
		p.before = append(p.before, data)
		kept += len(data)
	}
	return nil
}

// part is one part, decoded.
type part struct {
	io.Reader
	id string
}

func (p *part) info(data []byte) bool {
	if p.id != "" {
		return strings.EqualFold(p.id, "IBInfo")
	}
	return bytes.Contains(data[:min(len(data), head)], []byte("<IBInfo"))
}

// part moves to the next part; nil behind the closing boundary.
func (p *parts) part() (*part, error) {
	if p.count++; p.count > p.m.opts.Limits.Sections {
		return nil, tooLarge("more parts than are accepted")
	}
	raw, err := p.r.NextPart()
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		p.ended = true
		return nil, p.in.end()
	}
	if err != nil {
		return nil, mimeError(err)
	}
	b, packed, err := unpack(raw, "", p.m.opts.Limits)
	if err != nil {
		return nil, mimeError(err)
	}
	p.m.Packed = p.m.Packed || packed
	_, params := media(raw.Header.Get("Content-Type"))
	text, _, err := guard.UTF8(b, params["charset"])
	if err != nil {
		return nil, err
	}
	return &part{Reader: text, id: strings.Trim(raw.Header.Get("Content-ID"), "<> \t")}, nil
}

// watch looks for the closing boundary: multipart.Reader answers io.EOF for some bodies that have none.
type watch struct {
	in   io.Reader
	mark []byte
	tail []byte
	seen bool
}

func (w *watch) Read(p []byte) (int, error) {
	n, err := w.in.Read(p)
	if !w.seen {
		w.tail = append(w.tail, p[:n]...)
		w.seen = bytes.Contains(w.tail, w.mark)
		w.tail = append(w.tail[:0], w.tail[max(0, len(w.tail)-len(w.mark)):]...)
	}
	return n, err
}

// end proves that the body ends behind its closing boundary.
func (w *watch) end() error {
	if _, err := io.Copy(io.Discard, w); err != nil {
		return &guard.ReadError{Err: err}
	}
	if !w.seen {
		return guard.ErrCut
	}
	return nil
}

func mimeError(err error) error {
	if errors.Is(err, io.EOF) {
		return guard.ErrCut
	}
	if strings.HasPrefix(err.Error(), "multipart:") || strings.HasPrefix(err.Error(), "malformed MIME") {
		return badEnvelope("the multipart body is damaged")
	}
	return &guard.ReadError{Err: err}
}

func (p *parts) open(text io.Reader) {
	p.before = append(p.before, nil)
	p.long = bufio.NewReaderSize(text, 4<<10)
}

// next gives the sections in their order.
func (p *parts) next() (*section, error) {
	if len(p.before) > 0 {
		data := p.before[0]
		p.before = p.before[1:]
		if data != nil {
			return p.m.single(bytes.NewReader(data), 0)
		}
		return p.m.single(p.long, 0)
	}
	for !p.ended {
		part, err := p.part()
		if err != nil || part == nil {
			return nil, err
		}
		if part.info(nil) {
			if _, err := io.Copy(io.Discard, part); err != nil {
				return nil, mimeError(err)
			}
			continue
		}
		return p.m.single(part, 0)
	}
	return nil, nil
}

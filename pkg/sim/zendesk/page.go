package zendesk

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
)

// cursorPage is paging with page[size] and page[after] (4.7). The links name Options.BaseURL, not the host asked.
func cursorPage[T any](s *Sim, c *call, key string, fetch func(after int64, n int) (out []T, last int64, more bool)) reply {
	size, err := strconv.Atoi(c.query("page[size]"))
	if err != nil || size < 1 || size > 100 {
		return reply{status: http.StatusBadRequest, body: obj{"errors": []obj{{"code": "InvalidPaginationParameter", "title": "page[size] must be between 1 and 100"}}}}
	}
	after, valid := cursorID(c.query("page[after]"))
	if !valid {
		return reply{status: http.StatusBadRequest, body: obj{"errors": []obj{{"code": "InvalidPaginationParameter", "title": "page[after] is not valid"}}}}
	}
	list, last, more := fetch(after, size)
	meta := obj{"has_more": more, "after_cursor": nil, "before_cursor": nil}
	links := obj{"next": nil, "prev": nil}
	if len(list) > 0 {
		meta["after_cursor"] = cursorText(last)
	}
	if more {
		q := c.r.URL.Query()
		q.Set("page[after]", cursorText(last))
		links["next"] = s.pageURL(c, q)
	}
	return ok(obj{key: list, "meta": meta, "links": links})
}

func cursorText(id int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte("c:" + strconv.FormatInt(id, 10)))
}

func cursorID(text string) (id int64, valid bool) {
	if text == "" {
		return 0, true
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) < 3 {
		return 0, false
	}
	id, err = strconv.ParseInt(string(raw[2:]), 10, 64)
	return id, err == nil && id >= 0
}

func (s *Sim) pageURL(c *call, q url.Values) string {
	return s.opts.BaseURL + c.r.URL.Path + ".json?" + q.Encode()
}

// offsetPage is paging with page and per_page (4.7); it ends at record 10,000.
func offsetPage[T any](s *Sim, c *call, key string, all []T) reply {
	return offsetPageOf(s, c, key, all, func(list []T) []T { return append([]T{}, list...) })
}

// offsetPageOf renders only the page that is shown.
func offsetPageOf[T, V any](s *Sim, c *call, key string, all []T, show func([]T) []V) reply {
	size := 100
	if n, err := strconv.Atoi(c.query("per_page")); err == nil && n > 0 {
		size = min(n, 100)
	}
	page := 1
	if n, err := strconv.Atoi(c.query("page")); err == nil && n > 0 {
		page = n
	}
	if page > 10_000 || page*size > 10_000 {
		return reply{status: http.StatusBadRequest, body: obj{"errors": []obj{{"code": "InvalidPaginationDepth", "title": "Invalid Pagination Depth"}}}}
	}
	from, to := min(len(all), (page-1)*size), min(len(all), page*size)
	body := obj{key: show(all[from:to]), "count": len(all), "next_page": nil, "previous_page": nil}
	q := c.r.URL.Query()
	if to < len(all) {
		q.Set("page", strconv.Itoa(page+1))
		body["next_page"] = s.pageURL(c, q)
	}
	if page > 1 {
		q.Set("page", strconv.Itoa(page-1))
		body["previous_page"] = s.pageURL(c, q)
	}
	return ok(body)
}

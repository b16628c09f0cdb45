package peoplesoft

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
)

// answer is a whole response before faults touch its delivery.
type answer struct {
	status  int
	kind    string // Content-Type
	header  map[string]string
	body    []byte
	rows    int
	query   string
	prompts map[string]string
}

const (
	typeJSON = "application/json; charset=UTF-8"
	typeXML  = "text/xml; charset=UTF-8"
	typeHTML = "text/html; charset=UTF-8"
)

func page(status int, title, text string) answer {
	body := fmt.Sprintf("<!DOCTYPE html>\n<html><head><title>%s</title></head><body><h1>%s</h1><p>%s</p></body></html>\n", title, title, text)
	return answer{status: status, kind: typeHTML, body: []byte(body)}
}

// gatewayPage is what the listening connectors show to a browser.
func gatewayPage() answer {
	return page(http.StatusOK, "PeopleSoft Integration Gateway", "PeopleSoft Listening Connector<br>Status: ACTIVE")
}

func signIn() answer {
	return page(http.StatusOK, "Oracle PeopleSoft Sign-in", `<form action="?cmd=login" method="post"><input name="userid"><input name="pwd" type="password"></form>`)
}

// brokerError is the error document of the Integration Broker (peoplesoft.md 1.3).
func brokerError(status, id int, text string) answer {
	return answer{status: status, kind: typeXML, body: []byte("<?xml version=\"1.0\"?>\n" + brokerXML(id, text))}
}

func brokerXML(id int, text string) string {
	return fmt.Sprintf(`<IBResponse xmlns="" type="error"><DefaultTitle>Integration Broker Response</DefaultTitle><StatusCode>20</StatusCode>`+
		`<MessageID>%d</MessageID><DefaultMessage>%s</DefaultMessage></IBResponse>`, id, cdata(text))
}

func soapFault(text string) answer {
	body := `<?xml version="1.0"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body><SOAP-ENV:Fault>` +
		`<faultcode>SOAP-ENV:Server</faultcode><faultstring>null</faultstring><detail>` + brokerXML(45, text) + `</detail></SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>`
	return answer{status: http.StatusOK, kind: typeXML, body: []byte(body)}
}

// errorJSON is a logical error with HTTP 200. Its exact shape is not sourced (peoplesoft.md 7.8): only the
// status other than success is.
func errorJSON(text string) answer {
	var b bytes.Buffer
	b.WriteString(`{"status":"error","message":`)
	writeText(&b, text)
	b.WriteByte('}')
	return answer{status: http.StatusOK, kind: typeJSON, body: b.Bytes()}
}

// queryError answers a call that the query cannot serve: 200 with a JSON error when the caller asked for JSON,
// else the broker's document with 500 (peoplesoft.md 3.6).
func queryError(a ask, text string) answer {
	if a.jsonErrors {
		return errorJSON(text)
	}
	return brokerError(http.StatusInternalServerError, 30, "Integration Gateway - QueryException: "+text+" (228,30)")
}

// replaced gives the answer that a fault puts in place of the real one.
func (c script) replaced() (answer, bool) {
	switch {
	case c[FaultStatus] != nil:
		return statusPage(c[FaultStatus].Status), true
	case c[FaultErrorJSON] != nil:
		return errorJSON("A SQL error occurred. Please consult your system log for details."), true
	case c[FaultErrorXML] != nil:
		return brokerError(http.StatusOK, 102, "Error in running query. (228,102)"), true
	case c[FaultSOAP] != nil:
		return soapFault("User password failed. (158,45)"), true
	case c[FaultSignIn] != nil:
		return signIn(), true
	case c[FaultGateway] != nil:
		return gatewayPage(), true
	case c[FaultWebLogic] != nil:
		return page(http.StatusOK, "Error 500--Internal Server Error", "The server is starting or is down for maintenance."), true
	case c[FaultEmptyBody] != nil:
		return answer{status: http.StatusOK, kind: typeJSON}, true
	case c[FaultWrongNode] != nil:
		return notFound(), true
	case c[FaultRedirect] != nil:
		a := page(http.StatusFound, "Moved", "The document has moved.")
		a.header = map[string]string{"Location": orText(c[FaultRedirect].Location, "https://elsewhere.example/PSIGW/")}
		return a, true
	}
	return answer{}, false
}

func statusPage(status int) answer {
	switch status {
	case 0:
		status = http.StatusServiceUnavailable
	case http.StatusUnauthorized:
		return unauthorized("User password failed. (158,45)")
	case http.StatusForbidden, http.StatusInternalServerError:
		return brokerError(status, 10403, "Integration Gateway - External Application Exception (158,10403)")
	case http.StatusNotFound:
		return notFound()
	}
	return page(status, fmt.Sprintf("Error %d--%s", status, http.StatusText(status)), "The server cannot answer now.")
}

func notFound() answer {
	return page(http.StatusNotFound, "Error 404--Not Found", "No service operation or node answers at this address.")
}

func unauthorized(text string) answer {
	a := brokerError(http.StatusUnauthorized, 45, text)
	a.header = map[string]string{"WWW-Authenticate": `Basic realm="PeopleSoft"`}
	return a
}

// reshape applies the faults that change the rows of an answer: duplicates and order.
func (c script) reshape(r *result, seed uint64) {
	if f := c[FaultDuplicates]; f != nil {
		every, doubled := max(f.N, 1), make([]hit, 0, 2*len(r.hits))
		if f.N == 0 {
			every = 3
		}
		for i, h := range r.hits {
			if doubled = append(doubled, h); (i+1)%every == 0 {
				doubled = append(doubled, h)
			}
		}
		r.hits = doubled
	}
	if c[FaultUnsorted] != nil {
		rnd := rand.New(rand.NewPCG(seed, uint64(len(r.hits))))
		rnd.Shuffle(len(r.hits), func(i, k int) { r.hits[i], r.hits[k] = r.hits[k], r.hits[i] })
	}
}

package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
)

// everyPrinter shows values in all the ways that a log line could.
func everyPrinter(values ...any) string {
	var b bytes.Buffer
	text, js := slog.New(slog.NewTextHandler(&b, nil)), slog.New(slog.NewJSONHandler(&b, nil))
	for _, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
			fmt.Fprintf(&b, verb+"\n", value)
		}
		text.Info("x", "value", value)
		js.Info("x", "value", value)
		if doc, err := json.Marshal(value); err == nil {
			b.Write(doc)
		}
	}
	return b.String()
}

// forms are the ways in which bytes show up in text.
func forms(values ...string) map[string]string {
	out := map[string]string{}
	for _, v := range values {
		decimal := strings.Trim(fmt.Sprint([]byte(v)), "[]")
		out[v+" plain"] = v
		out[v+" hex"] = hex.EncodeToString([]byte(v))
		out[v+" HEX"] = strings.ToUpper(hex.EncodeToString([]byte(v)))
		out[v+" base64"] = base64.StdEncoding.EncodeToString([]byte(v))[:16]
		out[v+" decimal"] = decimal
		out[v+" go syntax"] = strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(v)), "[]byte{"), "}")
	}
	return out
}

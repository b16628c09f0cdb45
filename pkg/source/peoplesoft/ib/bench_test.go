package ib

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/source"
)

// threeKB is a message of about 3 KB with FieldTypes, as performance.md 1 measured it.
func threeKB() string { return strings.Replace(person, fieldTypes, strings.Repeat(fieldTypes, 7), 1) }

type anyNode struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Kids    []anyNode  `xml:",any"`
}

// BenchmarkMessage is goal 13 of performance.md: IB XML to facts against Unmarshal of encoding/xml, in one run.
func BenchmarkMessage(b *testing.B) {
	doc := threeKB()
	b.Run("facts", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		b.ReportAllocs()
		d := delivery("PERSON_BASIC_SYNC", doc)
		for b.Loop() {
			d.Body = strings.NewReader(doc)
			m, err := Open(d, Options{})
			if err != nil {
				b.Fatal(err)
			}
			if stats, err := m.Each(func(source.Record) error { return nil }); err != nil || stats.Records != 1 {
				b.Fatal(stats, err)
			}
		}
	})
	b.Run("unmarshal", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		b.ReportAllocs()
		for b.Loop() {
			var n anyNode
			if err := xml.Unmarshal([]byte(doc), &n); err != nil {
				b.Fatal(err)
			}
		}
	})
}

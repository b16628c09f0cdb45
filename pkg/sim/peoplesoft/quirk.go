package peoplesoft

// Blank says how an empty CHAR column is written (peoplesoft.md 0.9, 2.3).
type Blank string

// The ways of writing an empty column.
const (
	BlankSample  Blank = ""        // JSON: one space; XMLP: <X/>; dates always ""
	BlankSpace   Blank = "space"   // one space in both formats
	BlankEmpty   Blank = "empty"   // "" or <X></X>
	BlankNull    Blank = "null"    // null or <X/>
	BlankMissing Blank = "missing" // the key or element is left out
)

// Alias says when columns carry the alias of their record, such as A.EMPLID and B.DESCR (peoplesoft.md 3.2).
type Alias string

// When columns carry their record alias.
const (
	AliasSample Alias = ""       // as the real samples: in XMLP yes, in JSON no
	AliasNever  Alias = "never"  // in neither
	AliasAlways Alias = "always" // in both
)

// Layouts of LASTUPDDTTM that sites produce (peoplesoft.md 2.3); any Go layout works as Quirks.Stamp.
const (
	StampMicros = "2006-01-02T15:04:05.000000"      // the default: wall clock, no zone
	StampPlain  = "2006-01-02T15:04:05"             // whole seconds
	StampOffset = "2006-01-02T15:04:05.000000-0700" // the form of Integration Broker messages
	StampSpace  = "2006-01-02 15:04:05"
	StampDotted = "2006-01-02-15.04.05.000000" // the form of the database
)

// Quirks are the differences between sites in how the same rows are written. The zero value has the shape
// of the real samples (peoplesoft-samples/): "queryname=", "attr:rownumber", codes, EMPL_RCD as a number.
type Quirks struct {
	QueryNameKey    string `json:"query_name_key,omitempty"`    // default the literal `queryname=`
	NoRowNumber     bool   `json:"no_row_number,omitempty"`     // leave "attr:rownumber" out
	Alias           Alias  `json:"alias,omitempty"`             //
	LongNames       bool   `json:"long_names,omitempty"`        // "Active" in place of "A"
	Blank           Blank  `json:"blank,omitempty"`             //
	KeyAsNumber     bool   `json:"key_as_number,omitempty"`     // EMPLID, VENDOR_ID as number: the zeros are lost
	NumbersAsText   bool   `json:"numbers_as_text,omitempty"`   // EMPL_RCD "0" in place of 0
	OneRowObject    bool   `json:"one_row_object,omitempty"`    // a single row is an object, not an array
	NoRowsNull      bool   `json:"no_rows_null,omitempty"`      // no rows: null, not []
	Stamp           string `json:"stamp,omitempty"`             // Go layout of LASTUPDDTTM; default StampMicros
	LeadingSpace    bool   `json:"leading_space,omitempty"`     // LASTUPDDTTM starts with a space
	TotalNumRows    bool   `json:"total_num_rows,omitempty"`    // numrows counts the whole result, not the rows sent
	EscapedNames    bool   `json:"escaped_names,omitempty"`     // text stored HTML-escaped: O&#39;Brien (peoplesoft.md 2.3)
	WrappedXML      bool   `json:"wrapped_xml,omitempty"`       // XMLP inside QAS_GETQUERYRESULTS_RESP_MSG as over SOAP
	StatusUpperCase bool   `json:"status_upper_case,omitempty"` // "status":"SUCCESS"
}

func (q Quirks) aliased(format string) bool {
	return q.Alias == AliasAlways || (q.Alias == AliasSample && format == "XMLP")
}

func (q Quirks) layout() string { return orText(q.Stamp, StampMicros) }

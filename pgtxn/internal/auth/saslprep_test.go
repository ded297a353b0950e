package auth

import "testing"

// Verifiers that PostgreSQL 15.18 made of passwords whose normalization is not plain. They show
// what it does: each holds only if saslprep gives the same bytes.
func TestSASLprepAsPostgreSQL(t *testing.T) {
	tests := []struct{ name, password, verifier string }{
		{"NFKC", "pä ss Ⅸ", "SCRAM-SHA-256$4096:Qw0bEmZbXOmLWhto14a03w==$iDQ+sMm6/NLQcvjQFca+juSN0dRgwhXcQsrdVdwuOrU=:IMPPbaDcEYuzYYKoe/yxJRvi2KiPk58xklibOa2CKBw="},
		{"ASCII controls stay", "a\x01b\x7f", "SCRAM-SHA-256$4096:pOr+RchXPdc5NSei0xWRsQ==$UVcmQDgYNDPus2bb8CHM9qpUXRaKkl20l1GC1bgMQD8=:nznupNIl6vNTWKQAi149knSVFUyHZ4zqZtv+n/IPklk="},
		{"unassigned: as it is", "🔑key", "SCRAM-SHA-256$4096:cbHChRJqod5zsNS7H8VQwg==$AKth9vMUSvZxHnsJpe5+8B38vsuUW3HCctR3wodbW0Q=:BjY2IdaCfjfKD/XXJxzoBu5fQqantM3OWvpumWToe70="},
		{"zero width space is a space, soft hyphen nothing", "a\u200bb\u00adc", "SCRAM-SHA-256$4096:DZ0rsKOIHIiJAVoQQZZr5w==$O/oH3DO/bvWIA8EEN2zJBGnlByfGvqhd5F6emGu9Q9U=:65aPh9KpIR4lW5+cLl6nIz5VqJG/WS6CP///Syh4lyo="},
		{"unassigned before normalization: as it is", "\u2c7cab", "SCRAM-SHA-256$4096:pOvSqBeIvsDxJjyX6Y+0zg==$BcThivoyPGfWH8b8tU57tIOX+dVAZzIVHh2H8DdQrFs=:JcdlAta9AAB0Fkuh9st4H7h42gouWhZfywrEC6O4Hvs="},
		{"mixed directions: as it is", "\u0627a", "SCRAM-SHA-256$4096:SRkmvhiW2woxg/9KQr4IWg==$vhh+BZ2aZfe9RCMuSyuuS+AoyIKZPTPlZxnaT7ip1Fg=:P76MPOi0aQHV00faPzUjqUZhaLg1WKxSc4PMt+4ZImY="},
		{"right to left", "\u06271\u0628", "SCRAM-SHA-256$4096:OG0LkU+959SsHWzOHiOsrA==$9Pw6c+ljU/HGbH4PAlc5uLCkmINejGmtEToSq2/baaA=:CsPpIq5CZiMGPOBMQsF964YihnSTdSI7mbiJZpy1TgI="},
		{"nothing left: as it is", "\u00ad", "SCRAM-SHA-256$4096:ggCg8FFf6JGXLAcWcUiLIA==$VSUf3ZZa+lGUJLphz2dAjR4dNj9SH5Yd17K/n3czUK0=:DPpcU0fDled34/FyxEetgunr7t4HO7w+6kEDDo6rqb4="},
		{"ligature, combining ring, wide space", "\ufb01\u0041\u030a\u3000x", "SCRAM-SHA-256$4096:c+/uk8k6ENmJnEmcncLtNg==$p/IXLRTFqKs6DJ+g0KIHwtmJJVeAP/zbbv4Am4aJHlM=:ecXyPvWr84eMNAiPJihMMmNrDqLtF6hA55pTnQ56j5U="},
		{"prohibited: as it is", "\ufffd", "SCRAM-SHA-256$4096:Dmk4tWGmGiQ6UQlAikLBZg==$1faTwlLRi4FfiySFyCPZdw0tvKOZ/HyoMtJ7Ym4aiFc=:GNdmXgdql93mx/FB8phIvZgDXS4eql9wpSQY+FvIF7E="},
		{"mathematical letters", "\U0001D400\u00aa", "SCRAM-SHA-256$4096:kUlPcL8lJxLt9mFEFswRig==$YaLs3Xn7qcCttSNzzd8P4d+R//68S/sROWvh1/HbkQw=:jQhZsT5FuefJnHQeFZvcoV1nvPOcWhjRIdRWaPB4ST4="},
	}
	for _, tt := range tests {
		v, err := parseVerifier(tt.verifier)
		if err != nil {
			t.Fatal(tt.name, err)
		}
		k, err := deriveKeys(tt.password, v.salt, v.iterations)
		if err != nil || k.client.stored() != v.storedKey || k.server != v.serverKey {
			t.Errorf("%s: saslprep(%q) = %q is not what PostgreSQL makes of it (%v)", tt.name, tt.password, saslprep(tt.password), err)
		}
	}
	if got := saslprep("\xffä"); got != "\xffä" {
		t.Errorf("invalid UTF-8 became %q", got)
	}
}

// Package nearest finds the word that was probably meant.
package nearest

import "iter"

// Of returns the known word that takes the fewest changes to make of this one, or "" if it takes
// so many that it is another word.
func Of(word string, known iter.Seq[string]) string {
	nearest, least := "", 1+len(word)/3
	for candidate := range known {
		if n := changes(candidate, word); n <= least && (nearest == "" || n < least) {
			nearest, least = candidate, n
		}
	}
	return nearest
}

// changes counts the bytes to insert, delete or replace to make b of a
// (Levenshtein's distance).
func changes(a, b string) int {
	row := make([]int, len(b)+1) // from a's first i bytes to each beginning of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := corner
			if a[i] != b[j] {
				replaced++
			}
			corner = row[j+1]
			row[j+1] = min(replaced, corner+1, row[j]+1)
		}
	}
	return row[len(b)]
}

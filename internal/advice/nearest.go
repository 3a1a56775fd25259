package advice

import "strings"

// Nearest returns the word that a name was probably meant to be: the same but
// for case, dashes and underscores, or one that a slip of few letters turns
// into it; "" where none is near.
func Nearest(name string, words []string) string {
	fold := func(s string) []rune {
		return []rune(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(s)), "-", "_"))
	}
	if len(name) > 64 {
		return ""
	}
	meant := fold(name)
	best, least := "", 1+len(meant)/3 // a third of the letters may be wrong
	for _, word := range words {
		if d := distance(meant, fold(word)); d < least {
			best, least = word, d
		}
	}
	return best
}

// distance is how many letters have to be put in, left out, changed or swapped
// with their neighbour to make one word of another (Damerau 1964).
func distance(a, b []rune) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

package cmd

import (
	"io"
	"os"
	"strings"
)

// firstLine returns the first line of a file, without its end.
func firstLine(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return firstLineOf(f)
}

// firstLineOf returns the first line of what is read, without its end.
func firstLineOf(r io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, 64<<10)) // it may be a device without end
	if err != nil {
		return "", err
	}
	defer clear(data)
	line, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}

// Tools for building, testing and running; standard library only. Not part of go.work: the product never sees it.
module github.com/ml-connector/ml-connector/tools

go 1.26.0

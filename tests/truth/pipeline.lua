-- wrk with eight requests in flight on every connection: wrk -s tests/truth/pipeline.lua URL
-- wrk counts the responses to a batch one by one, and sends the next batch when all of one have come.
local DEPTH = 8
local batch

function init()
    batch = string.rep(wrk.format(), DEPTH)
end

function request()
    return batch
end

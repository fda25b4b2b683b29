-- A call with text joins a conversation: lua im_join.lua sip:GROUP@DOMAIN [hangup]
-- The channel must have fire_text_events=true from before its media was settled. With "hangup" the call ends when the
-- user is refused, or removed later. Sets im_status: the status of the focus's answer, or "pending".

local im = dofile(freeswitch.getGlobalVariable("script_dir") .. "/im.lua")
local group, when_removed = argv[1], argv[2]
local call = session:get_uuid()
local identity = im.identity(session)

local status, text
if identity == nil then
  status, text = 403, "nobody vouches for the caller"
else
  -- Before the join, so that a call that ends meanwhile leaves too.
  im.at_end(session, "lua im_leave.lua " .. call)
  status, text = im.ask("join", {
    Kind = "channel", Call = call, Identity = identity, Group = group, ["When-Removed"] = when_removed,
  })
end
session:setVariable("im_status", status == nil and "pending" or tostring(status))
if status ~= nil and status ~= 200 then
  im.log("NOTICE", call .. " may not join " .. group .. ": " .. status .. " " .. tostring(text))
  if when_removed == "hangup" then session:hangup("CALL_REJECTED") end
end

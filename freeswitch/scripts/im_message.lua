-- Of the chatplan: a MESSAGE to a group is what its sender says there. The first one joins; "/leave" leaves, and
-- "/join" joins without a word. Nothing is taken but what Kamailio has passed on to the protocol sip.

local im = dofile(freeswitch.getGlobalVariable("script_dir") .. "/im.lua")
local ip = message:getHeader("from_sip_ip")
local protocol = message:getHeader("to_proto")
local identity = message:getHeader("sip_h_X-IM-Asserted")
local group = "sip:" .. tostring(message:getHeader("to_user")) .. "@" .. tostring(message:getHeader("to_host"))
local text = message:getBody() or ""

if protocol ~= "sip" or not im.is_trusted(ip) then
  im.log("WARNING", "a MESSAGE from " .. tostring(ip) .. " to protocol " .. tostring(protocol) .. " is refused")
elseif identity == nil then
  im.log("NOTICE", "a MESSAGE to " .. group .. " comes from nobody that Kamailio vouches for")
elseif text:match("^%s*/leave%s*$") then
  im.tell("leave", { Kind = "message", Identity = identity, Group = group })
else
  im.tell("message", { Identity = identity, Group = group })
  if not text:match("^%s*/join%s*$") then
    im.text(identity, group, message:getHeader("type"), text)
  end
end

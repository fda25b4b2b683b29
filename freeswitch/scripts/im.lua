-- What the im_*.lua scripts share: events to Parley, and its answers.
-- Load it with: local im = dofile(freeswitch.getGlobalVariable("script_dir") .. "/im.lua")

local im = {}

local WISH = "im::freeswitch"
local TEXT = "im::freeswitch-text"
local REPLY = "im::freeswitch-reply"
local ANSWER_MS = 5000

local api = freeswitch.API()

local function fire(subclass, headers, body)
  local event = freeswitch.Event("custom", subclass)
  for name, value in pairs(headers) do
    if value ~= nil and value ~= "" then event:addHeader(name, tostring(value)) end
  end
  if body ~= nil and body ~= "" then event:addBody(body) end
  event:fire()
end

function im.log(level, text)
  freeswitch.consoleLog(level, "im: " .. text .. "\n")
end

-- Tells Parley and waits for nothing. Headers: Kind, Call, Identity, Group, User, When-Removed.
function im.tell(op, headers, body)
  headers["im-op"] = op
  headers["im-corr"] = api:execute("create_uuid", "")
  fire(WISH, headers, body)
end

-- Tells Parley and waits for what the focus decides. Returns a SIP status (200: done) and a text; nil when no answer
-- came in time, which is no refusal: a session that invites its members is answered when the first of them is there.
function im.ask(op, headers, body, wait_ms)
  local corr = api:execute("create_uuid", "")
  local consumer = freeswitch.EventConsumer("CUSTOM", REPLY)
  headers["im-op"] = op
  headers["im-corr"] = corr
  fire(WISH, headers, body)
  local deadline = api:getTime() + (wait_ms or ANSWER_MS)
  local status, text
  while status == nil do
    local left = deadline - api:getTime()
    if left <= 0 then break end
    local event = consumer:pop(1, left)
    if event ~= nil and event:getHeader("im-corr") == corr then
      status = tonumber(event:getHeader("im-status"))
      text = event:getBody()
    end
  end
  consumer:cleanup()
  return status, text
end

-- What a user of SIP MESSAGE has written, for the switches.
function im.text(identity, group, content_type, body)
  fire(TEXT, { Identity = identity, Group = group, Type = content_type }, body)
end

-- Only Kamailio is believed.
function im.is_trusted(ip)
  return ip ~= nil and ip ~= "" and api:execute("acl", ip .. " im_kamailio") == "true"
end

-- Who calls, as Kamailio says; nil when nobody vouches for it.
function im.identity(session)
  if not im.is_trusted(session:getVariable("sip_network_ip")) then return nil end
  return session:getVariable("sip_h_X-IM-Asserted")
end

-- Has a command run when the call ends. What the operator's dialplan has set stays, and most set api_hangup_hook; where
-- both hooks are taken, Parley looks for the call itself (freeswitch.checkS).
function im.at_end(session, command)
  for _, hook in ipairs({ "api_reporting_hook", "api_hangup_hook" }) do
    local present = session:getVariable(hook)
    if present == nil or present == "" or present == command then
      session:setVariable(hook, command)
      return
    end
  end
  im.log("NOTICE", session:get_uuid() .. " has hooks of its own: its end is noticed late")
end

return im

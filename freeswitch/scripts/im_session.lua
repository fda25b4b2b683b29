-- Begins or leaves a group's session in the name of a participant that neither hears nor speaks:
--   lua im_session.lua start|end sip:GROUP@DOMAIN sip:IDENTITY@DOMAIN
-- What that identity may do the group's rules say. When it leaves, the release policy decides about the session.

local im = dofile(freeswitch.getGlobalVariable("script_dir") .. "/im.lua")
local op = argv[1] == "end" and "leave" or "join"
local status = im.ask(op, { Kind = "room", Group = argv[2], Identity = argv[3] })
if session ~= nil then session:setVariable("im_status", tostring(status)) end
if stream ~= nil then stream:write(tostring(status) .. "\n") end

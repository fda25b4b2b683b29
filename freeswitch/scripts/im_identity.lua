-- Sets im_identity (freeswitch.identityVariable) to who calls, as Kamailio says: before the conference application.

local im = dofile(freeswitch.getGlobalVariable("script_dir") .. "/im.lua")
local identity = im.identity(session)
if identity ~= nil then session:setVariable("im_identity", identity) end
